// A histogram with the exact statistics that its transport format leaves out.
//
// The V2 format holds bucket counts; extremes, sum and saturation stand beside it in a document. From both this builds
// a histogram that equals the original, by recording values inside each bucket that add up to the sum.
//
// Misuse: taking the single values that were recorded for the measured ones; only buckets, extremes and sum are.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "stack/observe/histogram.hpp"

namespace assay::model {

struct exact_statistics {
  std::uint64_t least = 0;
  std::uint64_t greatest = 0;
  observe::uint128 sum = 0;
  std::uint64_t saturated = 0;
};

exact_statistics exact_statistics_of(const observe::histogram& source);

/// Refuses statistics that the buckets cannot have, in one sentence.
[[nodiscard]] std::expected<observe::histogram, std::string> rebuild(const observe::histogram& buckets,
                                                                     const exact_statistics& exact);

}  // namespace assay::model
