#include "lab/load/stream_gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace assay::load {
namespace {

using model::stream_kind;

bool listens(stream_kind kind) { return kind == stream_kind::events; }
bool sends(stream_kind kind) { return kind == stream_kind::echo || kind == stream_kind::broadcast; }

const observe::histogram& times_of(const model::stream_result& result) {
  return listens(result.kind) ? result.gap : result.latency.response_time;
}

double error_share_of(const model::stream_result& result) {
  const auto total = [](const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : counts) sum += count;
    return static_cast<double>(sum);
  };
  const auto connections = static_cast<double>(result.connections);
  if (!sends(result.kind)) return std::min(1.0, total(result.lost_connections) / std::max(connections, 1.0));
  const auto due = static_cast<double>(result.due) * (result.kind == stream_kind::broadcast ? connections : 1);
  return due > 0 ? total(result.errors) / due : 1;
}

double rate_of(const model::stream_result& result) {
  if (!listens(result.kind)) return result.achieved_rate;
  return static_cast<double>(result.events) / std::max(1e-9, std::chrono::duration<double>(result.duration).count());
}

std::optional<double> value_of(const gate& of, const model::stream_result& result) {
  const observe::histogram& times = times_of(result);
  // A feed that fell silent has no gap to show for it.
  if (of.what == gated::max && listens(result.kind)) {
    return static_cast<double>(std::max(times.max(), result.longest_silence_ns));
  }
  return value_of(of, {.times = &times, .rate_rps = rate_of(result), .error_share = error_share_of(result)});
}

}  // namespace

std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const stream_plan& plan) {
  for (const gate& each : gates) {
    if (each.what == gated::back || !each.part.empty() || each.every > duration::zero()) {
      return std::unexpected(
          fmt::format("\"{}\": not of WebSocket or events: expected p99<50ms, mean, max, errors or rate", each.text));
    }
    if (plan.kind == stream_kind::idle && each.what != gated::error_share) {
      return std::unexpected(fmt::format("\"{}\": idle connections say nothing: expected errors<1%, or -R", each.text));
    }
  }
  return {};
}

bool judge_gates(const std::vector<gate>& gates, model::stream_result& result) {
  for (const gate& each : gates) {
    const std::optional<double> value = value_of(each, result);
    const std::string why =
        fmt::format("not estimable from {} {}", times_of(result).count(), listens(result.kind) ? "gaps" : "messages");
    result.gates.push_back(outcome_of(each, value, value ? "" : why));
  }
  return std::ranges::all_of(result.gates, &model::gate_outcome::met);
}

}  // namespace assay::load
