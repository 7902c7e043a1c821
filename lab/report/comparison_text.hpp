// A comparison for a terminal: the verdicts first, then one table candidate by phase, the blocking call, what it costs.
//
// Misuse: parsing this text. Programs read comparison_json.hpp's document, whose keys stay.
#pragma once

#include <string>

#include "lab/model/comparison.hpp"

namespace assay::report {

std::string comparison_text(const model::comparison& judged);

}  // namespace assay::report
