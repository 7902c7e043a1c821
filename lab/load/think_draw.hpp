// How long a user pauses after an answer: a function of the numbers it is given, nothing else.
//
// A lognormal pause has the mean and the coefficient of variation that were asked for: sigma^2 = ln(1 + cv^2) and
// mu = ln(mean) - sigma^2 / 2 of its logarithm.
//
// Misuse: a negative mean. The reader of scenarios refuses it.
#pragma once

#include "lab/load/counter_random.hpp"
#include "lab/model/scenario.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

inline constexpr duration max_think = std::chrono::hours(24);  // longer ones are cut to this

duration draw_think(const model::think_time& how, draw_stream from);

}  // namespace assay::load
