// The file of `assay load --sessions`: scenarios whose steps have the keys of a plan's route, and what a session adds
// to them: checks, values taken from an answer, and pauses.
//
// Misuse: taking it for checked to the end. What the paths and checks mean is lab/load's, which says where they stand.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/model/scenario.hpp"

namespace assay::plan {

// Errors are one line "FILE:LINE:COLUMN: ...". Relative paths of feeds are relative to the file.
std::expected<std::vector<model::scenario>, std::string> read_scenarios(const std::string& path);

}  // namespace assay::plan
