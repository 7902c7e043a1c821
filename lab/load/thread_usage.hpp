// What the calling thread has cost so far: CPU time, and time spent ready to run without a CPU.
//
// Misuse: subtracting readings of two different threads.
#pragma once

#include "stack/runtime/time.hpp"

namespace assay::load {

struct thread_usage {
  duration cpu{};
  duration cpu_wait{};  // /proc/thread-self/schedstat; zero where the kernel does not say

  static thread_usage now();
  friend thread_usage operator-(const thread_usage& late, const thread_usage& early) {
    return {late.cpu - early.cpu, late.cpu_wait - early.cpu_wait};
  }
};

}  // namespace assay::load
