#include "lab/load/connection_bound.hpp"

#include <string>

#include "lab/load/recorder.hpp"

namespace assay::load {

bool bound_by_connections(const std::vector<gate>& gates, const model::load_result& seen) {
  if (!model::many_waited(seen)) return false;
  model::load_result judged = seen;
  if (judge_gates(gates, judged)) return false;
  judged.gates.clear();
  judged.latency.response_time = seen.latency.service_time;
  judged.errors.erase(std::string(label(failure_kind::unsent)));
  for (model::load_route& each : judged.routes) {
    each.latency.response_time = each.latency.service_time;
    each.errors.erase(std::string(label(failure_kind::unsent)));
  }
  return judge_gates(gates, judged);
}

}  // namespace assay::load
