// Loops that the preload library does not see, since they do not wait through libc or ran before it: which threads wait
// as a loop does is found by looking at their system calls, and those are sampled from then on.
//
// Misuse: asking for a process whose loop is in its probe file, or of a runtime whose threads share one poller.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/inside/refusal.hpp"
#include "lab/inside/syscall_sampler.hpp"

namespace assay::inside {

class unseen_loops {
 public:
  explicit unseen_loops(bool attached) : attached_(attached), refused_(attached) {}

  // One look at the threads of that process; sentences on what it found, and on what it was not allowed to see.
  // `has_file`: the library is in it, `why_not`: why it is not.
  std::vector<std::string> look(std::uint32_t pid, bool has_file, const std::string& why_not);

  syscall_sampler& sampler() { return sampler_; }
  const syscall_sampler& sampler() const { return sampler_; }

 private:
  static constexpr std::size_t most_peeked_threads = 64;  // of one process

  std::string watch(std::uint32_t pid, std::uint32_t tid, bool has_file, const std::string& why_not);

  bool attached_;  // it ran before, without the library
  refusals refused_;
  syscall_sampler sampler_;
};

}  // namespace assay::inside
