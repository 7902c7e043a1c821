#include "lab/report/gates_json.hpp"

#include <nlohmann/json.hpp>

namespace assay::report {

nlohmann::ordered_json gates_json(const std::vector<model::gate_outcome>& gates) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const model::gate_outcome& each : gates) {
    rows.push_back({{"gate", each.gate}, {"met", each.met}, {"measured", each.measured}});
  }
  return rows;
}

}  // namespace assay::report
