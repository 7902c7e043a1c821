// Whether the gaps between the sends of a run are of the law that was intended.
//
// In rescaled time, which runs by one from each expected arrival of a thread to the next, gaps are exponential with
// mean one for Poisson and all equal to one for constant arrivals, whatever stages there are (Brown, Barbieri, Ventura,
// Kass and Frank, The time-rescaling theorem, Neural Computation 14, 2002). For Poisson the Kolmogorov-Smirnov distance
// is told. With thousands of gaps any generator fails that test sooner or later, by microseconds that nobody feels.
// What may not be is a departure of practical size: that distance again, of gaps that may each be longer or shorter by
// the tolerance. Arrivals in ticks are compared by their numbers: count_fit.hpp.
//
// Misuse: gaps of threads together. Each is a process of its own, and they are compared with its own.
#pragma once

#include <span>

#include "lab/load/rate_curve.hpp"
#include "lab/load/realised_arrivals.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

// A gap that is off by less than the greater of these is as intended: half of the lateness that the verdict bears with,
// and, in rescaled time, a quarter of the mean gap.
inline constexpr duration gap_tolerance = std::chrono::microseconds(500);
inline constexpr double gap_tolerance_share = 0.25;

// The 5 % point of the Kolmogorov distribution, of n (1 / root n) (Smirnov, Annals of Mathematical Statistics 19,
// 1948).
inline constexpr double kolmogorov_5_percent = 1.358;

// The law, and the rate of all threads together over the time of the run.
struct intended_arrivals {
  model::arrival_law law = model::arrival_law::constant;
  std::span<const stage> stages;
  unsigned threads = 1;
};

// One element a thread.
model::arrival_fit fit_arrivals(const intended_arrivals& of, std::span<const realised_arrivals* const> threads);

}  // namespace assay::load
