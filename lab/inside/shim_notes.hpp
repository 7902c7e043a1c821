// What the shims of runtimes write beside the preload library's files: <pid>.notes, records of one size.
//
// Misuse: taking a note for a call of libc's. It says what the runtime was at; how long a loop was away for it, and
// what it waited for, the library says.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "probe/probe_format.h"

namespace assay::inside {

struct shim_note {
  assay_probe_note_kind kind = assay_note_call;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::string what;                // "fs.readSync", "computing", "unhandledRejection"
  std::vector<std::string> stack;  // innermost first; of a failure the lines of its message
  std::string place;               // the innermost of the candidate's own code
};

class shim_notes {
 public:
  static constexpr std::size_t most_at_once = 1024;    // records of one process that one look takes
  static constexpr std::size_t most_processes = 4096;  // whose places are remembered
  static constexpr std::uint64_t most_of_one = 4096;   // records; a shim writes no more

  explicit shim_notes(std::string directory) : directory_(std::move(directory)) {}
  // What is new of that process. A record that is not whole yet is left for the next look; one that makes no sense is
  // left out.
  std::vector<shim_note> take(std::uint32_t pid);
  void remove(std::uint32_t pid);      // the file: its process has ended
  bool ever() const { return ever_; }  // a shim was there
  bool full() const { return full_; }  // one has written all that it may

 private:
  std::string path(std::uint32_t pid) const;
  std::string directory_;
  std::map<std::uint32_t, std::uint64_t> taken_;  // bytes
  bool ever_ = false;
  bool full_ = false;
};

}  // namespace assay::inside
