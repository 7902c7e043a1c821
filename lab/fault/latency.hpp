// Delays drawn from a lognormal distribution, which fits the response times of services better than a normal one:
// positive, skewed, with a long tail.
//
// Misuse: reading `median` as the mean, which is median * exp(sigma^2 / 2).
#pragma once

#include <cmath>
#include <random>

#include "stack/runtime/time.hpp"

namespace assay::fault {

struct lognormal_latency {
  duration median{};
  double sigma = 0;  // of the logarithm; 0: every delay is the median
};

// Nothing waits longer than this, however long the tail.
inline constexpr duration max_latency = std::chrono::minutes(5);

inline duration draw(const lognormal_latency& from, std::mt19937_64& random) {
  if (from.median <= duration::zero()) return duration::zero();
  double factor = 1;
  if (from.sigma > 0) factor = std::exp(from.sigma * std::normal_distribution<double>()(random));
  const double nanoseconds = static_cast<double>(from.median.count()) * factor;
  if (nanoseconds >= static_cast<double>(max_latency.count())) return max_latency;
  return duration(static_cast<duration::rep>(nanoseconds));
}

}  // namespace assay::fault
