// Sums what /proc says about a candidate's processes. Cumulative values never fall: a process that has ended keeps
// what it had used at the last look.
//
// Misuse: reading the difference of two looks as the whole use of a process that lived between them: it was not seen.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "lab/model/trial.hpp"

namespace assay::inside {

class process_sampler {
 public:
  static constexpr std::size_t most_threads = 1024;        // of one process that are looked at
  static constexpr std::size_t most_descriptors = 16'384;  // of one process that are counted

  model::process_second sample(const std::set<std::uint32_t>& pids, double at_s);
  // Of the sockets that the last sample has counted.
  const std::set<std::uint64_t>& socket_inodes() const { return socket_inodes_; }
  // Processes whose descriptors the last sample was not allowed to count, each with the errno: it has them as 0.
  const std::map<std::uint32_t, int>& refused() const { return refused_; }

 private:
  struct usage {
    std::uint64_t start_ticks = 0;
    double cpu_s = 0;
    double cpu_wait_s = 0;
    std::uint64_t voluntary = 0;
    std::uint64_t involuntary = 0;
  };
  void look_at(std::uint32_t pid, model::process_second& into);
  void count_descriptors(std::uint32_t pid, model::process_second& into);

  std::map<std::uint32_t, usage> alive_;
  usage ended_;
  std::set<std::uint64_t> socket_inodes_;
  std::map<std::uint32_t, int> refused_;
};

}  // namespace assay::inside
