#include "lab/judge/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "lab/judge/diagnose.hpp"

namespace assay::judge {
namespace {

using model::process_second;

void add_quantile(metric_values& to, const char* metric, const observe::histogram& of, double q) {
  const auto n = static_cast<double>(of.count());
  // 1 - 0.99 is not quite 0.01: one part in 10^9 must not decide.
  const double needed = std::ceil(requests_beyond_quantile / (1 - q) * (1 - 1e-9));
  if (n < needed) {
    to.why_not[metric] = fmt::format("{} answers were timed, {} are needed", of.count(), needed);
    return;
  }
  // A bucket's upper edge may lie above the largest value recorded.
  to.values[metric] = static_cast<double>(std::min(of.value_at_quantile(q), of.max())) / 1e6;
}

// Cumulative CPU time at an instant, between two samples or not far outside of them.
std::optional<double> cpu_at(std::span<const process_second> samples, double at_s) {
  if (samples.size() < 2) return std::nullopt;
  const auto after = std::ranges::lower_bound(samples, at_s, {}, &process_second::at_s);
  if (after == samples.begin()) {
    return samples.front().at_s - at_s <= sample_slack_s ? std::optional(samples.front().cpu_s) : std::nullopt;
  }
  if (after == samples.end()) {
    return at_s - samples.back().at_s <= sample_slack_s ? std::optional(samples.back().cpu_s) : std::nullopt;
  }
  const auto before = std::prev(after);
  const double width = after->at_s - before->at_s;
  const double part = width > 0 ? (at_s - before->at_s) / width : 1;
  return before->cpu_s + part * (after->cpu_s - before->cpu_s);
}

void add_resources(metric_values& to, const model::trial& trial, const model::phase_measurement& phase) {
  const double end_s = phase.start_s + phase.length_s;
  const auto first = cpu_at(trial.processes, phase.start_s);
  const auto last = cpu_at(trial.processes, end_s);
  if (!first || !last) {
    to.why_not["cpu_ms_per_request"] = "the processes were not sampled over the whole phase";
  } else if (*last < *first) {
    to.why_not["cpu_ms_per_request"] = "a process of the candidate ended during the phase";
  } else if (phase.all.answered == 0) {
    to.why_not["cpu_ms_per_request"] = "nothing was answered";
  } else {
    to.values["cpu_ms_per_request"] = (*last - *first) * 1e3 / static_cast<double>(phase.all.answered);
  }
  std::uint64_t most = 0;
  for (const process_second& each : trial.processes) {
    if (each.at_s >= phase.start_s && each.at_s <= end_s) most = std::max(most, each.rss_bytes);
  }
  if (most > 0) {
    to.values["rss_mib"] = static_cast<double>(most) / (1 << 20);
  } else {
    to.why_not["rss_mib"] = "the processes were not sampled in this phase";
  }
}

void add_lag(metric_values& to, const model::trial& trial, const std::string& phase) {
  const auto found = std::ranges::find(trial.lag, phase, &model::loop_lag::phase);
  if (found == trial.lag.end() || found->quality == model::lag_quality::none) {
    to.why_not["lag_p99_ms"] = to.why_not["utilisation"] = "no event loop was seen";
    return;
  }
  to.values["lag_p99_ms"] = found->p99_ms;
  to.values["utilisation"] = found->utilisation;
}

phase_run measure_phase(const model::trial& trial, const model::phase_measurement& phase) {
  phase_run made{.phase = phase.name, .offered_rps = phase.offered_rps, .offered = phase.all.offered, .metrics = {}};
  metric_values& to = made.metrics;
  const observe::histogram& response = phase.all.latency.response_time;
  add_quantile(to, "response_p50_ms", response, 0.5);
  add_quantile(to, "response_p90_ms", response, 0.9);
  add_quantile(to, "response_p99_ms", response, 0.99);
  if (phase.all.offered > 0) {
    const double well = static_cast<double>(phase.all.answered_well) / static_cast<double>(phase.all.offered);
    to.values["error_share"] = std::clamp(1 - well, 0.0, 1.0);
  } else {
    to.why_not["error_share"] = "nothing was offered";
  }
  if (phase.length_s > 0) {
    to.values["goodput_rps"] = static_cast<double>(phase.all.answered_well) / phase.length_s;
  } else {
    to.why_not["goodput_rps"] = "the phase has no length";
  }
  add_resources(to, trial, phase);
  add_lag(to, trial, phase.name);
  // A number that is not finite cannot take part in anything.
  std::erase_if(to.values, [&](const auto& each) {
    if (std::isfinite(each.second)) return false;
    to.why_not[each.first] = "the value is not finite";
    return true;
  });
  return made;
}

std::optional<double> stalled_time(const model::trial& trial, double threshold_ms) {
  std::optional<double> total;
  for (const model::loop_lag& each : trial.lag) {
    if (each.quality == model::lag_quality::none) continue;
    total = total.value_or(0);
    // The class next below the threshold: it holds all stretches that count.
    auto found = each.stalled_s.upper_bound(static_cast<int>(threshold_ms));
    if (found != each.stalled_s.begin()) *total += std::prev(found)->second;
  }
  return total;
}

}  // namespace

const phase_run* run::find(const std::string& wanted) const {
  const auto found = std::ranges::find(phases, wanted, &phase_run::phase);
  return found == phases.end() ? nullptr : &*found;
}

run measure(const model::trial& trial, const model::plan& plan) {
  run made{.candidate = trial.candidate,
           .repeat = trial.repeat,
           .state = trial.state,
           .reasons = trial.reasons,
           .phases = {},
           .whole = {},
           .blocking = trial.blocking,
           .stalled_s = stalled_time(trial, plan.stall_threshold_ms),
           .diagnosed = diagnose(trial)};
  for (const model::phase_measurement& each : trial.phases) {
    made.loaded_s += each.length_s;
    made.had_fault |= each.kind == model::phase_kind::fault;
    if (each.kind != model::phase_kind::warm_up) made.phases.push_back(measure_phase(trial, each));
  }
  if (trial.start_up_s > 0 && std::isfinite(trial.start_up_s)) {
    made.whole.values["start_up_s"] = trial.start_up_s;
  } else {
    made.whole.why_not["start_up_s"] = "it ran already";
  }
  if (trial.recovery_s && std::isfinite(*trial.recovery_s)) {
    made.whole.values["recovery_s"] = *trial.recovery_s;
  } else {
    made.whole.why_not["recovery_s"] =
        made.had_fault ? "it did not come back while it was watched" : "no fault was set";
  }
  return made;
}

}  // namespace assay::judge
