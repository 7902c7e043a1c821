// The rates of a workload that was learned, second by second: with Poisson arrivals at these rates the log's rate, the
// shape of its day and its burstiness come back. For a log as a whole, or for a phase of a plan.
//
// The rate of a second is that of its hour, times three gamma variables of mean 1 that last for a second, for ten and
// for sixty: a Cox process (D. R. Cox, Journal of the Royal Statistical Society B 17, 1955) with bursts at three
// scales. What was drawn is stretched to the mean and the variance of its law. The variances follow in closed form from
// the dispersion D at these scales. With r the mean rate that a request has around it, and C(1), C(10), C(60) the
// covariance of the rates of two seconds, relative to r^2, that share a second, ten, sixty at most:
//
//   D(1)  = 1 + r C(1)                      C(60) = v60
//   D(10) = 1 + r (C(1) + 9 C(10))          C(10) = (1 + v10) (1 + v60) - 1
//   D(60) = 1 + r (C(1) + 9 C(10) + 50 C(60))   C(1) = (1 + v1) (1 + v10) (1 + v60) - 1
//
// Each hour then gets the share of the day that it had, so that its windows of sixty seconds share a given sum
// (Dirichlet's law), which v60 is corrected for. A phase of a plan has its rate in each such hour, and in what is left:
// of less than two minutes it shows no bursts of a minute.
//
// The gamma law has no greatest value, and makes peaks that the log never had. Where those are known, beta variables
// with the same mean and variance take their place, whose greatest value is what the busiest window was above the one
// around it, less what Poisson arrivals add to it. What neither shows, the shape of a single burst, is the law's and
// not the log's.
//
// Misuse: a profile whose hours were not alike for another reason than bursts; see hour_of_day.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "lab/load/rate_curve.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/profile.hpp"

namespace assay::load {

inline constexpr std::chrono::hours longest_likeness{24 * 7};

// Of the three variables, relative to their mean: the variance, and the greatest value.
struct burst_law {
  static constexpr double unbounded = std::numeric_limits<double>::infinity();
  double variance = 0;
  double most = unbounded;
};
struct burst_laws {
  burst_law second = {};
  burst_law ten = {};
  burst_law minute = {};
};

// Of dispersions and peaks, by scale in seconds, at a rate that is `rate_per_s` where a request is. Scales that the
// profile could not estimate add no bursts; nor do dispersions below 1, which Poisson arrivals cannot have. `minutes`
// share a given sum: those of an hour.
burst_laws bursts_of(const std::map<int, double>& dispersion, const std::map<int, double>& peak, double rate_per_s,
                     double minutes = 60);

// `length` is cut to longest_likeness. They begin at the hour of the day at which the log does.
std::vector<stage> stages_like(const model::arrivals& seen, duration length, std::uint64_t seed);

// A phase of a plan, the `index`-th, as one stage: its shape, and its bursts second by second, which are a function of
// the seed and the index. The mean is the phase's rate: bursts move requests within the phase and add none.
stage stage_of(const model::phase& phase, std::size_t index, std::uint64_t seed);

}  // namespace assay::load
