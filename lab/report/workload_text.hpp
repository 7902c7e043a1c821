// A comparison of two workloads for a terminal: the verdict first, then what differs, then the rest.
//
// Misuse: parsing this text. Programs read the document of lab/model/workload_comparison_json.hpp, whose keys stay.
#pragma once

#include <string>

#include "lab/model/workload_comparison.hpp"

namespace assay::report {

std::string workload_text(const model::workload_comparison& of);

}  // namespace assay::report
