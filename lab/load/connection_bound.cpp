#include "lab/load/connection_bound.hpp"

#include <string>

#include "lab/load/recorder.hpp"

namespace assay::load {
namespace {

// Fewer of the requests that were due change no percentile that a run of usual length tells.
constexpr double least_share = 0.01;

}  // namespace

bool bound_by_connections(const std::vector<gate>& gates, const model::load_result& seen) {
  const auto due = static_cast<double>(seen.offered_requests);
  if (static_cast<double>(seen.waited_for_connection) <= least_share * due) return false;
  model::load_result judged = seen;
  if (judge_gates(gates, judged)) return false;
  judged.gates.clear();
  judged.latency.response_time = seen.latency.service_time;
  judged.errors.erase(std::string(label(failure_kind::unsent)));
  return judge_gates(gates, judged);
}

}  // namespace assay::load
