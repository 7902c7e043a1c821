// The probe files of one candidate: opened as they appear, replaced when a process has become another by exec, closed
// and removed when it has ended: a candidate that forks often would fill the disk with them.
//
// Misuse: closing what has ended before its last entries were read.
#pragma once

#include <cstdint>
#include <list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lab/inside/probe_reader.hpp"

namespace assay::inside {

class watched_files {
 public:
  watched_files(std::string directory, std::size_t most) : directory_(std::move(directory)), most_(most) {}

  struct file {
    probe_reader reader;
    std::pair<std::uint64_t, std::uint32_t> identity;  // as in seen_
    std::uint32_t incarnation = 0;                     // a number of its own
    bool ended = false;
  };

  // Looks for new files; returns what is wrong with some.
  std::vector<std::string> refresh();
  std::list<file>& open() { return files_; }
  // Call after reading: files whose process had ended before the last refresh.
  void close_ended();

  bool has(std::uint32_t pid) const;
  std::set<std::uint32_t> living() const;
  bool ever() const { return opened_ > 0 || !seen_.empty(); }
  bool any_stack_hook() const { return any_stack_hook_; }
  std::uint64_t lost() const;

  // For an event without a runtime's stack: that of the program, while it lives.
  static void translate_frames(std::uint32_t pid, blocking_event& event);

 private:
  static constexpr std::size_t most_seen = 100'000;
  std::string directory_;
  std::size_t most_;
  std::list<file> files_;
  std::set<std::pair<std::uint64_t, std::uint32_t>> seen_;  // (inode, pid)
  std::uint32_t opened_ = 0;
  std::uint64_t lost_ = 0;
  bool any_stack_hook_ = false;
};

}  // namespace assay::inside
