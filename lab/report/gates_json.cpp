#include "lab/report/gates_json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace assay::report {
namespace {

using json = nlohmann::ordered_json;

}  // namespace

nlohmann::ordered_json gates_json(const std::vector<model::gate_outcome>& gates) {
  json rows = json::array();
  for (const model::gate_outcome& each : gates) {
    json interval;
    if (each.within) interval = {each.within->low_ns / 1e3, each.within->high_ns / 1e3};
    rows.push_back({{"gate", each.gate},
                    {"met", each.met},
                    {"measured", each.measured},
                    {"interval_us", std::move(interval)},
                    {"proven", each.proven ? json(*each.proven) : json(nullptr)}});
  }
  return rows;
}

}  // namespace assay::report
