#include "lab/load/stream_gates.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace assay::load {
namespace {

using model::stream_kind;

bool listens(stream_kind kind) { return kind == stream_kind::events; }
bool sends(stream_kind kind) { return kind == stream_kind::echo || kind == stream_kind::broadcast; }

const observe::histogram& times_of(const model::stream_result& result) {
  return listens(result.kind) ? result.gap : result.latency.response_time;
}

// Of so many messages that were due.
std::optional<double> failed_share(const std::map<std::string, std::uint64_t>& errors, std::uint64_t messages,
                                   const model::stream_result& in) {
  const auto due = static_cast<double>(messages) * (in.kind == stream_kind::broadcast ? in.connections : 1);
  return due > 0 ? std::optional(static_cast<double>(model::total_of(errors)) / due) : std::nullopt;
}

std::optional<double> error_share_of(const model::stream_result& result) {
  if (sends(result.kind)) return failed_share(result.errors, result.due, result);
  const auto lost = static_cast<double>(model::total_of(result.lost_connections));
  return std::min(1.0, lost / std::max<double>(result.connections, 1.0));
}

double rate_of(const model::stream_result& result) {
  if (!listens(result.kind)) return result.achieved_rate;
  return static_cast<double>(result.events) / std::max(1e-9, std::chrono::duration<double>(result.duration).count());
}

// Nothing of a stage that the run ended before, nor of a steady state that it never was in.
std::optional<gated_part> part_of(const gate& of, const model::stream_result& result) {
  const gated_part whole{.times = &times_of(result),
                         .rate_rps = rate_of(result),
                         .error_share = error_share_of(result),
                         .intervals = &result.intervals};
  if (of.part.empty()) return whole;
  if (of.part == steady_part) return steady_part_of(result.steady, whole);
  const auto index = stage_index_of(of.part);
  if (!index || *index >= result.stages.size()) return std::nullopt;
  const model::load_stage& stage = result.stages[*index];
  return gated_part{.times = &stage.latency.response_time,
                    .rate_rps = static_cast<double>(stage.answered) / std::max(1e-9, stage.length_s),
                    .error_share = failed_share(stage.errors, stage.offered, result),
                    .intervals = stage.intervals ? &*stage.intervals : nullptr};
}

std::optional<double> value_of(const gate& of, const gated_part& part, const model::stream_result& result) {
  if (of.what == gated::back) return back_after_ns(result.stages);
  // A feed that fell silent has no gap to show for it.
  if (of.what == gated::max && listens(result.kind)) {
    return static_cast<double>(std::max(part.times->max(), result.longest_silence_ns));
  }
  return value_of(of, part);
}

// Events have no instant that they are meant for, by which a window would have them.
std::expected<void, std::string> check_window(const gate& of, stream_kind kind) {
  if (of.every == duration::zero()) return {};
  if (!sends(kind)) {
    return std::unexpected(fmt::format("\"{}\": windows are of messages: expected ws:// and -R", of.text));
  }
  if (of.part.empty()) return {};
  return std::unexpected(fmt::format("\"{}\": no windows of \"{}\": expected them of the run", of.text, of.part));
}

std::expected<void, std::string> check_part(const gate& of, const stream_plan& plan) {
  if (of.part == steady_part) return check_steady(of, plan.options.stages);
  const std::size_t stages = plan.options.stages.size() > 1 ? plan.options.stages.size() : 0;
  if (of.part.empty() || *stage_index_of(of.part) < stages) return {};
  return std::unexpected(fmt::format("\"{}\": this run has no \"{}\": expected stage 1 to stage {}", of.text, of.part,
                                     std::max<std::size_t>(stages, 1)));
}

model::gate_outcome outcome_in(const gate& of, const model::stream_result& result) {
  if (of.every > duration::zero()) return outcome_of_windows(of, result.windows, "messages");
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) {
    const bool of_steady = of.part == steady_part;
    return outcome_of(of, std::nullopt, of_steady ? why_not_steady(result.steady) : "the run ended before it");
  }
  const std::optional<double> value = value_of(of, *part, result);
  const std::string why = of.what == gated::back ? why_not_back(result.stages)
                                                 : why_no_value(of, *part, listens(result.kind) ? "gaps" : "messages");
  return outcome_of(of, value, value ? "" : why, interval_of(of, *part));
}

}  // namespace

std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const stream_plan& plan) {
  if (const auto windows = check_windows(gates, plan.options.length); !windows) return windows;
  for (const gate& each : gates) {
    if (!each.part.empty() && each.part != steady_part && !stage_index_of(each.part)) {
      return std::unexpected(
          fmt::format("\"{}\": not of WebSocket or events: expected p99<50ms, mean, max, errors or rate, of messages "
                      "also p99[stage 2]<50ms and p99<50ms every 10s",
                      each.text));
    }
    if (const auto windowed = check_window(each, plan.kind); !windowed) return windowed;
    if (each.what == gated::back && std::ranges::none_of(plan.options.stages, &stage::is_burst)) {
      return std::unexpected(fmt::format("\"{}\": expected a stage that is a burst, --stage 30s@100*10", each.text));
    }
    if (const auto had = check_part(each, plan); !had) return had;
    if (plan.kind == stream_kind::idle && each.what != gated::error_share) {
      return std::unexpected(fmt::format("\"{}\": idle connections say nothing: expected errors<1%, or -R", each.text));
    }
  }
  return {};
}

bool judge_gates(const std::vector<gate>& gates, model::stream_result& result) {
  bool all_met = true;
  for (const gate& each : gates) {
    const model::gate_outcome& outcome = result.gates.emplace_back(outcome_in(each, result));
    if (outcome.met) continue;
    all_met = false;
    if (std::optional<std::string> untold = untold_for_stalls(each, result.stalls)) {
      result.reasons.push_back(std::move(*untold));
      result.valid = false;
    }
  }
  return all_met;
}

}  // namespace assay::load
