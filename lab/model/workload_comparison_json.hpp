// A comparison of two workloads as one JSON document, format "assay.workloads/1". The keys are an interface: they stay,
// more may come. docs/profile-json.md lists them.
//
// Misuse: reading a verdict out of `change` instead of `verdict`.
#pragma once

#include <string>

#include "lab/model/workload_comparison.hpp"

namespace assay::model {

std::string workload_comparison_json(const workload_comparison& of);

}  // namespace assay::model
