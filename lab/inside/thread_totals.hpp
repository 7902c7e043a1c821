// What the threads of one process have used, those that ended included: /proc tells of the living alone, and the sum
// over them falls, or stands still where threads come and go.
//
// Misuse: taking it for all. A thread that lived between two looks was not seen, nor what one did after the last.
#pragma once

#include <cstdint>
#include <map>

namespace assay::inside {

struct thread_use {
  std::uint64_t wait_ns = 0;  // runnable, and waiting for a core
  std::uint64_t voluntary = 0;
  std::uint64_t involuntary = 0;
  std::uint64_t shim_ns = 0;  // on a CPU, of a thread that a shim of the probe has started

  thread_use& operator+=(const thread_use& more);
};

class thread_totals {
 public:
  // All living threads of the process by their numbers, each with what it has used since it began.
  void look(std::map<std::uint32_t, thread_use> living);
  thread_use sum() const;

 private:
  std::map<std::uint32_t, thread_use> living_;
  thread_use ended_;
};

}  // namespace assay::inside
