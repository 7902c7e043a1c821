// A load result as one JSON document. The keys are an interface: they stay, more may come. docs/load-json.md lists
// them; every number has its unit in its key; a percentile that the samples cannot support is null.
//
// Misuse: treating null as zero.
#pragma once

#include <string>

#include "lab/model/load_result.hpp"

namespace assay::report {

std::string load_json(const model::load_result& result);

}  // namespace assay::report
