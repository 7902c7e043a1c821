// What a service does on both sides of its capacity, and after it was asked for more: which runs show it, and what they
// say.
//
//   for (const double rate : curve_rates(found.rps, 6)) ... a run each ...
//   judge_overload(curve, found.rps)                 does its goodput hold, fall or collapse?
//   recovery_plan then = plan_recovery(found.rps, 2, length, requests_needed);
//   judge_recovery(then.expected, gates, measured)   of one run of then.stages
//
// The arrivals that an overload leaves behind wait and are answered, as those of users who do not give up would be: so
// the recovery begins with their backlog. How long that alone takes is told beside it; what a service needs beyond is
// its own.
//
// Misuse: a curve of runs shorter than it takes a queue to build up; beyond the capacity it shows what a burst
// survives.
#pragma once

#include <span>
#include <vector>

#include "lab/load/gate.hpp"
#include "lab/load/rate_curve.hpp"
#include "lab/model/capacity.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// The curve goes from here to there, in shares of the capacity.
inline constexpr double curve_from = 0.5;
inline constexpr double curve_until = 2;
inline constexpr std::size_t most_curve_points = 20;
// Under so much of the capacity a service is to recover.
inline constexpr double recovery_load = 0.8;
// Less than that beyond the capacity is no overload: the interval of the capacity itself is as wide.
inline constexpr double least_overload = 1.1;
// Goodput that is left beyond the capacity: it holds from here on, and collapses below.
inline constexpr double held_share = 0.8;
inline constexpr double collapsed_share = 0.5;

// At least two points, evenly spaced from curve_from to curve_until.
std::vector<double> curve_rates(double capacity_rps, std::size_t points);

// Up to which response time a single answer is within the objectives: the loosest of percentile and maximum, or the
// mean's where it is alone; at most the timeout, which stands for all of them where no time is one.
double time_objective_ns(const std::vector<gate>& gates, duration timeout);

// From the worst valid run beyond the capacity.
model::overload judge_overload(std::span<const model::capacity_run> curve, double capacity_rps);

struct recovery_plan {
  std::vector<stage> stages;  // the overload, and then slices of what is watched
  model::capacity_recovery expected;
};

// `run_length` is that of a run at the capacity, `requests_needed` what a slice needs for the objectives' percentiles.
recovery_plan plan_recovery(double capacity_rps, double overload_factor, duration run_length, double requests_needed);

// Back is the first slice that keeps every objective but those of a rate and those of one of several requests, with the
// one after it. `seen` is the run of the plan's stages.
model::capacity_recovery judge_recovery(model::capacity_recovery expected, const std::vector<gate>& gates,
                                        model::load_result seen);

}  // namespace assay::load
