// A comparison as one JSON document, format "assay.report/1". The keys are an interface: they stay, more may come.
// docs/report-json.md lists them; every number with a unit has it in the name of its metric.
//
// Misuse: treating null as zero, or reading a verdict out of `value` instead of `verdict`.
#pragma once

#include <string>

#include "lab/model/comparison.hpp"

namespace assay::model {

std::string comparison_to_json(const comparison& judged);

}  // namespace assay::model
