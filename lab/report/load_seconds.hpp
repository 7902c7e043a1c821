// A second of a load as a line of JSON, for programs that watch: docs/load-json.md lists the keys.
//
// Misuse: adding up the lines for the run's result. A second's quantiles are to 1 %, and quantiles do not add.
#pragma once

#include <optional>
#include <string>

#include "lab/model/load_result.hpp"

namespace assay::report {

// With the line end. `cpu_share` is of the busiest generator thread since the line before; unknown: null.
std::string second_line(const model::live_second& second, std::optional<double> cpu_share);

}  // namespace assay::report
