// The objectives of a run in JSON, alike in every document.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::report {

nlohmann::ordered_json gates_json(const std::vector<model::gate_outcome>& gates);

}  // namespace assay::report
