// Time on a loop: one monotonic clock, nanoseconds, virtual in tests.
//
// Misuse: reading std::chrono::steady_clock in code that runs on a loop. Under simulated I/O time is virtual, and such
// code would see another clock; ask `loop.now()`.
#pragma once

#include <chrono>

namespace assay {

using duration = std::chrono::nanoseconds;

// The clock of a loop. It has no now() on purpose: only a loop knows what time it is.
struct loop_clock {
  using rep = duration::rep;
  using period = duration::period;
  using duration = assay::duration;
  using time_point = std::chrono::time_point<loop_clock, duration>;
  static constexpr bool is_steady = true;
};

using instant = loop_clock::time_point;

// "No deadline". Only the root of a program and tests use it: every public wait has a finite default.
inline constexpr instant never = instant::max();

// a + b without overflow past `never`.
constexpr instant saturating_add(instant at, duration span) {
  if (span >= duration::zero() && at > never - span) return never;
  return at + span;
}

}  // namespace assay
