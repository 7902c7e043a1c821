// The requests of `assay load --requests`: a plan's `workload` in a file of its own, as a list in YAML or, in a .jsonl
// file, an object a line. The keys are those of a plan's route, and so are the checks.
//
// Misuse: expecting acknowledged writes to be reconciled. That needs a subject whose data can be read; a plan has one.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/model/plan.hpp"

namespace assay::plan {

// Errors are one line "FILE:LINE:COLUMN: ...". Relative paths of feeds are relative to the file. A placeholder may be
// left without a value here.
std::expected<std::vector<model::bound_route>, std::string> read_requests(const std::string& path);

}  // namespace assay::plan
