// Spans of time as the numbers that results and histograms hold.
//
// Misuse: for an instant; those are differences to the begin of a run first.
#pragma once

#include <chrono>
#include <cstdint>

#include "stack/runtime/time.hpp"

namespace assay::load {

inline double in_seconds(duration span) { return std::chrono::duration<double>(span).count(); }

// Histograms hold no negative values: what ended before it was to begin took no time.
inline std::uint64_t nanoseconds(duration span) {
  return span <= duration::zero() ? 0 : static_cast<std::uint64_t>(span.count());
}

}  // namespace assay::load
