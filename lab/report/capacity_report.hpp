// A capacity search for a terminal and for programs: the interval first, then every run by rate, and the
// curve beyond it.
//
// Misuse: parsing the text. Programs read the document; docs/capacity-json.md has its keys, which stay.
#pragma once

#include <string>

#include "lab/model/capacity.hpp"

namespace assay::report {

std::string capacity_text(const model::capacity_result& result);
std::string capacity_json(const model::capacity_result& result);
// One run, as it ends: "1600/s: kept, p99 12.3ms".
std::string capacity_run_text(const model::capacity_run& run);

}  // namespace assay::report
