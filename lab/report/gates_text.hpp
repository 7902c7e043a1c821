// The objectives of a run on a terminal, a line each, alike in every summary.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <string>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::report {

void append_gates(std::string& to, const std::vector<model::gate_outcome>& gates);

}  // namespace assay::report
