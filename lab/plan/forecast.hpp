// What a plan will do: length, requests, and what its repeats will be able to tell apart.
//
// Misuse: none; it is arithmetic on the plan. Its value's header says how to read the differences.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "lab/model/forecast.hpp"
#include "lab/model/plan.hpp"

namespace assay::plan {

// Start, readiness, conformance, drain, stop, reset of one trial: an allowance.
inline constexpr std::chrono::nanoseconds trial_overhead = std::chrono::seconds(10);

model::forecast forecast_of(const model::plan& plan);

inline constexpr std::chrono::nanoseconds shortest_phase = std::chrono::seconds(2);

// Shortens every phase alike until the campaign fits; the error says why it cannot.
std::expected<void, std::string> shorten(model::plan& plan, std::chrono::nanoseconds within);

}  // namespace assay::plan
