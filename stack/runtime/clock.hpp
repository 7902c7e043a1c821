// The system's clocks in the units of a loop. Internal to backends, and to what measures on threads without a loop.
//
// Misuse: reading one in code that runs on a loop. Under simulated I/O time is virtual; ask `loop.now()`.
#pragma once

#include <ctime>

#include "stack/runtime/time.hpp"

namespace assay::detail {

inline duration to_duration(const timespec& span) {
  return std::chrono::seconds(span.tv_sec) + std::chrono::nanoseconds(span.tv_nsec);
}

inline timespec to_timespec(duration span) {
  return {.tv_sec = span.count() / 1'000'000'000, .tv_nsec = span.count() % 1'000'000'000};
}

// Zero where there is no such clock: those of threads that have ended.
inline duration read_clock(clockid_t clock) {
  timespec at{};
  ::clock_gettime(clock, &at);
  return to_duration(at);
}

inline instant monotonic_now() { return instant(read_clock(CLOCK_MONOTONIC)); }

}  // namespace assay::detail
