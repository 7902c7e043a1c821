// The rates of a workload that was learned, second by second: with Poisson arrivals at these rates the log's rate, the
// shape of its day and its burstiness come back.
//
// The rate of a second is that of its hour, times three gamma variables of mean 1 that last for a second, for ten and
// for sixty: a Cox process (D. R. Cox, Journal of the Royal Statistical Society B 17, 1955) with bursts at three
// scales. Their variances follow in closed form from the dispersion D at these scales. With r the mean rate that a
// request has around it, and C(1), C(10), C(60) the covariance of the rates of two seconds, relative to r^2, that share
// a second, ten, sixty at most:
//
//   D(1)  = 1 + r C(1)                      C(60) = v60
//   D(10) = 1 + r (C(1) + 9 C(10))          C(10) = (1 + v10) (1 + v60) - 1
//   D(60) = 1 + r (C(1) + 9 C(10) + 50 C(60))   C(1) = (1 + v1) (1 + v10) (1 + v60) - 1
//
// Each hour then gets the share of the day that it had, so that its windows of sixty seconds share a given sum
// (Dirichlet's law), which v60 is corrected for. What D does not show, the shape of a single burst, is the gamma law's
// and not the log's.
//
// Misuse: a profile whose hours were not alike for another reason than bursts; see hour_of_day.
#pragma once

#include <cstdint>
#include <vector>

#include "lab/load/rate_curve.hpp"
#include "lab/model/profile.hpp"

namespace assay::load {

inline constexpr std::chrono::hours longest_likeness{24 * 7};

// Variances of the three gamma variables, each relative to its mean.
struct burst_variances {
  double second = 0;
  double ten = 0;
  double minute = 0;
};

// Of a rate that is `rate_per_s` where a request is. Scales that the profile could not estimate add no bursts; nor do
// dispersions below 1, which Poisson arrivals cannot have.
burst_variances bursts_of(const model::arrivals& seen, double rate_per_s);

// `length` is cut to longest_likeness. They begin at the hour of the day at which the log does.
std::vector<stage> stages_like(const model::arrivals& seen, duration length, std::uint64_t seed);

}  // namespace assay::load
