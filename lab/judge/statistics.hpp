// The few statistics that a comparison of runs needs: t interval, Welch's test, Holm's correction.
//
// Every function takes the smallest standard deviation that the instrument can resolve. Equal values of a few runs do
// not show that there is no spread, only that it is below that; the floor also keeps every result finite.
//
// Misuse: handing over requests instead of runs. The values must be independent, and requests of one run are not.
#pragma once

#include <span>

#include "lab/model/estimate.hpp"

namespace assay::judge {

struct moments {
  double mean = 0;
  double variance = 0;  // of the sample, n - 1 in the denominator
  unsigned n = 0;
};

moments moments_of(std::span<const double> values, double least_deviation);

/// Student's t interval of the mean; at least two values.
model::estimate mean_interval(std::span<const double> values, double confidence, double least_deviation);

/// Welch's comparison of two means with unequal variances (B. L. Welch, Biometrika 34, 1947); at least two values each.
struct welch_comparison {
  double difference = 0;  // mean of the first less mean of the second
  double standard_error = 0;
  double degrees = 0;  // Welch-Satterthwaite

  double half_width(double confidence) const;
  /// Two-sided p of "the true difference is within -margin and margin"; margin 0 gives the usual test of equality.
  double p_beyond(double margin) const;
};
welch_comparison welch(std::span<const double> first, std::span<const double> second, double least_deviation);

}  // namespace assay::judge
