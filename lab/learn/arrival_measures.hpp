// What is compared of the arrivals: rate, dispersion and peaks, each with how far it is known.
//
// All of it within hours. How the hours differ is the shape of the day, which two logs share or do not; it is neither
// burstiness nor error. Errors come from blocks of time, so that they hold for bursts shorter than a block.
//
//   rate        requests a second, all in all
//   dispersion  variance of the counts in windows of 1, 10 and 60 s over their mean
//   peak        the busiest of these windows in an hour, of the hour's mean. Of an hour, whatever the log's length: the
//               greatest of many is the greater the more there are. By the law of extremes its logarithm grows by
//               s sqrt(6)/pi with each e-fold, and spreads by the same s as that of any block's greatest
//               (E. J. Gumbel, Statistics of Extremes, 1958, 5.2 and 6.2).
//
// Misuse: expecting an error of a log of a few minutes; what cannot be had is left out.
#pragma once

#include <vector>

#include "lab/learn/timeline.hpp"
#include "lab/model/measure.hpp"

namespace assay::learn {

std::vector<model::measure> arrival_measures(const timeline& of);

}  // namespace assay::learn
