#include "lab/load/thread_usage.hpp"

#include <cstdint>
#include <ctime>
#include <fstream>

#include "stack/runtime/clock.hpp"

namespace assay::load {

thread_usage thread_usage::now() {
  thread_usage usage;
  usage.cpu = detail::read_clock(CLOCK_THREAD_CPUTIME_ID);
  std::ifstream schedstat("/proc/thread-self/schedstat");
  std::int64_t on_cpu_ns = 0;
  std::int64_t waited_ns = 0;
  if (schedstat >> on_cpu_ns >> waited_ns) usage.cpu_wait = duration(waited_ns);
  return usage;
}

}  // namespace assay::load
