// What this machine can do and cost, for a terminal and for programs.
//
// Misuse: parsing the text. Programs read the document; docs/load.md has its keys, which stay.
#pragma once

#include <string>

#include "lab/model/calibration.hpp"

namespace assay::report {

std::string calibration_text(const model::calibration& of);
std::string calibration_json(const model::calibration& of);

}  // namespace assay::report
