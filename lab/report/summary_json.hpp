// Histograms and errors of a load in JSON, alike in every document.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "stack/observe/histogram.hpp"

namespace assay::report {

// Count, mean, maximum and percentiles in microseconds; null what so few samples do not tell.
nlohmann::ordered_json summary_us(const observe::histogram& of);
// An object of counts by kind.
nlohmann::ordered_json errors_json(const std::map<std::string, std::uint64_t>& errors);

}  // namespace assay::report
