// From which concurrency on the second of two services does better than the first.
//
// At each level the two are compared as in a campaign (verdict.hpp): the throughput of good answers, margin 5 %, is one
// family over all levels, the p99 of the service time, margin 10 %, another. "Better" is of the throughput. It crosses
// where the second is better at every level from one on up to the highest, and surely not better at a level below.
//
// Misuse: looking for the level with the largest ratio. One level of many stands out by chance; the family is corrected
// for that, an eye is not.
#pragma once

#include "lab/model/crossover.hpp"

namespace assay::judge {

inline constexpr double crossover_throughput_margin = 0.05;
inline constexpr double crossover_p99_margin = 0.10;

/// Fills intervals, comparisons and outcome from the runs.
void judge_crossover(model::crossover_result& of);

}  // namespace assay::judge
