// Histograms and counts of a load in JSON, alike in every document.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "lab/model/load_result.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::report {

// The percentiles of every document, by their keys.
inline constexpr std::array summary_quantiles{std::pair{"p50", 0.5},     std::pair{"p90", 0.9},
                                              std::pair{"p95", 0.95},    std::pair{"p99", 0.99},
                                              std::pair{"p99.9", 0.999}, std::pair{"p99.99", 0.9999}};

nlohmann::ordered_json number_or_null(std::optional<double> number);
// Count, mean, maximum and percentiles in microseconds; null what so few samples do not tell.
nlohmann::ordered_json summary_us(const observe::histogram& of);
// Between which bounds mean and percentiles lie; null each that is not told.
nlohmann::ordered_json intervals_json(const model::response_intervals& of);
// From when on it was one steady state, and whether it drifted; null where that is not told.
nlohmann::ordered_json steady_json(const std::optional<model::steadiness>& of);
// In us; null without a tick.
nlohmann::ordered_json tick_json(std::chrono::nanoseconds tick);
// Whether what was sent went out as the schedule had it; null where there is none.
nlohmann::ordered_json arrivals_json(const std::optional<model::arrival_fit>& of);
// An object of counts by name.
nlohmann::ordered_json counts_json(const std::map<std::string, std::uint64_t>& counts);
// Whether the level came back after a burst; null of a stage that is none.
nlohmann::ordered_json burst_json(const std::optional<model::burst_return>& of);
// A list of what the generator's own stalls can have made: "p99.9", or "max", and between which two values it lies.
nlohmann::ordered_json touched_json(const model::own_stalls& of);

}  // namespace assay::report
