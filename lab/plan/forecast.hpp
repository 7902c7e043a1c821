// What a plan will do: length, requests, and what its repeats will be able to tell apart.
//
// Misuse: none; it is arithmetic on the plan. Its value's header says how to read the differences.
#pragma once

#include "lab/model/forecast.hpp"
#include "lab/model/plan.hpp"

namespace assay::plan {

// Start, readiness, conformance, drain, stop, reset of one trial: an allowance.
inline constexpr std::chrono::nanoseconds trial_overhead = std::chrono::seconds(10);

model::forecast forecast_of(const model::plan& plan);

}  // namespace assay::plan
