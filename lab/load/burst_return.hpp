// After how long the response time is back at its level after a burst, told from the seconds of the run.
//
// The level is the worst of the last seconds before the burst, of at most thirty: their highest p99 and highest share
// of errors. It is back with the first of three seconds in a row, those without a request not counted, that lie within
// it, a quarter more allowed for chance. Requests count in the second they were meant for, so a backlog that the burst
// left is in the seconds after it.
//
// Misuse: taking the interval for a confidence interval. It is the second in which it happened.
#pragma once

#include <cstddef>
#include <vector>

#include "lab/load/rate_curve.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/trial.hpp"

namespace assay::load {

inline constexpr int least_level_seconds = 3;
inline constexpr int most_level_seconds = 30;
inline constexpr int settled_seconds = 3;
inline constexpr double level_allowance = 1.25;

// Of stage `index`, which is a burst, in a run of so many seconds that sent for `measured`.
model::burst_return return_after_burst(const std::vector<stage>& stages, std::size_t index,
                                       const std::vector<model::load_second>& seconds, duration measured);

}  // namespace assay::load
