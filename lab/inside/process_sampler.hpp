// Sums what /proc says about a candidate's processes. Cumulative values never fall: a process that has ended keeps
// what it had used at the last look, and so does a thread.
//
// Misuse: reading the difference of two looks as the whole use of a process that lived between them: it was not seen.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lab/inside/thread_totals.hpp"
#include "lab/model/resource_limits.hpp"
#include "lab/model/trial.hpp"

namespace assay::inside {

// What the shims (probe/node, probe/python) call the thread that looks where a loop computes.
inline constexpr std::string_view shim_thread_name = "assay-stacks";

class process_sampler {
 public:
  static constexpr std::size_t most_threads = 1024;        // of one process that are looked at
  static constexpr std::size_t most_descriptors = 16'384;  // of one process that are counted
  // PSS, control groups and limits are looked at so seldom: the kernel walks all pages of a process for its PSS.
  static constexpr double thorough_every_s = 3;

  model::process_second sample(const std::set<std::uint32_t>& pids, double at_s);
  // CPU time of the shims' own threads.
  double shim_cpu_s() const;
  // Of the sockets that the last sample has counted.
  const std::set<std::uint64_t>& socket_inodes() const { return socket_inodes_; }
  // Processes whose descriptors the last sample was not allowed to count, each with the errno: it has them as 0.
  const std::map<std::uint32_t, int>& refused() const { return refused_; }
  const model::resource_limits& limits() const { return limits_; }
  // What else some process does not let us read; empty: nothing. One sentence.
  const std::string& unreadable() const { return unreadable_; }

 private:
  struct usage {
    std::uint64_t start_ticks = 0;
    double cpu_s = 0;
    thread_totals threads = {};
  };
  void let_go_of_ended(const std::set<std::uint32_t>& pids);
  void look_at(std::uint32_t pid, bool thorough, model::process_second& into);
  unsigned count_descriptors(std::uint32_t pid, model::process_second& into);
  void add_io(std::uint32_t pid, model::process_second& into);
  void look_thoroughly(std::uint32_t pid, std::string_view status, unsigned descriptors);
  void look_at_group_of(std::uint32_t pid, unsigned threads);
  void keep_io(model::process_second& of);

  std::map<std::uint32_t, usage> alive_;
  double ended_cpu_s_ = 0;
  thread_use ended_;
  model::process_second io_;    // the highest sums: they never fall
  model::process_second held_;  // of the last thorough look
  double next_thorough_s_ = -1e18;
  std::optional<std::uint64_t> user_limit_;  // of processes; none: unlimited, or the user is root
  model::resource_limits limits_;
  std::set<std::uint64_t> socket_inodes_;
  std::map<std::uint32_t, int> refused_;
  std::string unreadable_;
};

// A soft limit of /proc/PID/limits, "Max open files"; none: it is unlimited, or not there.
std::optional<std::uint64_t> soft_limit(std::string_view limits, std::string_view name);

}  // namespace assay::inside
