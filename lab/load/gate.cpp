#include "lab/load/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>
#include <optional>

#include "lab/load/recorder.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/model/number.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

// Requests that were due, or in the closed model begun.
std::uint64_t attempts_of(const model::load_result& result) {
  if (result.model != model::load_model::closed) return result.offered_requests;
  std::uint64_t attempts = result.requests;
  for (const auto& [kind, count] : result.errors) attempts += is_of_answers(kind) ? 0 : count;
  return attempts;
}

template <class Part>
gated_part part_from(const Part& of, double seconds) {
  gated_part part{.times = &of.latency.response_time,
                  .rate_rps = static_cast<double>(of.answered) / seconds,
                  .intervals = of.intervals ? &*of.intervals : nullptr};
  if (of.offered > 0)
    part.error_share = static_cast<double>(model::total_of(of.errors)) / static_cast<double>(of.offered);
  return part;
}

// Nothing when the run has no such part, or ended before it.
std::optional<gated_part> part_of(const gate& of, const model::load_result& result) {
  if (of.part.empty()) {
    const bool tried = attempts_of(result) > 0;
    return gated_part{.times = &result.latency.response_time,
                      .rate_rps = result.achieved_rps,
                      .error_share = tried ? std::optional(error_share_of(result)) : std::nullopt,
                      .intervals = &result.intervals};
  }
  const auto route = std::ranges::find(result.routes, of.part, &model::load_route::name);
  if (route != result.routes.end()) {
    return part_from(*route, std::max(1e-9, std::chrono::duration<double>(result.duration).count()));
  }
  const auto index = stage_index_of(of.part);
  if (!index || *index >= result.stages.size()) return std::nullopt;
  const model::load_stage& stage = result.stages[*index];
  return part_from(stage, std::max(1e-9, stage.length_s));
}

// The measured value, nothing when it cannot be told, and its interval, if it has one; and what came of the windows,
// where it is of them.
struct measured_value {
  std::optional<double> value = {};
  std::optional<model::time_interval> within = {};
  const model::window_outcome* windows = nullptr;
};

// Of the worst window in which anything was to be sent.
measured_value measured_by_window(const gate& of, const model::load_result& result) {
  const auto seen = std::ranges::find(result.windows, of.text, &model::window_outcome::gate);
  if (seen == result.windows.end() || seen->windows == 0) return {};
  return {.value = seen->value, .windows = &*seen};
}

measured_value measured(const gate& of, const model::load_result& result) {
  if (of.every > duration::zero()) return measured_by_window(of, result);
  if (of.what == gated::back) return {.value = back_after_ns(result.stages)};
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) return {};
  return {.value = value_of(of, *part), .within = interval_of(of, *part)};
}

// " in 10s to 20s, not kept in 3 of 60 windows"
std::string place_text(const model::window_outcome& in) {
  std::string text = fmt::format(" in {:g}s to {:g}s", in.start_s, in.start_s + in.length_s);
  if (in.failed > 1) text += fmt::format(", not kept in {} of {} windows", in.failed, in.windows);
  return text;
}

std::string value_text(const gate& of, double value) {
  if (of.what == gated::rate) return fmt::format("{:.2f}/s", value);
  if (of.what == gated::error_share) return fmt::format("{:.3g}%", 100 * value);
  if (of.what == gated::back) return fmt::format("{:g}s", value / 1e9);
  return fmt::format("{:.4g}ms", value / 1e6);
}

std::string why_unknown(const gate& of, const measured_value& seen, const model::load_result& result) {
  if (seen.windows != nullptr) {
    return fmt::format("not estimable from {} answers{}", seen.windows->answers, place_text(*seen.windows));
  }
  if (of.every > duration::zero()) return "the run had no whole window";
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) return "the run ended before it";
  return of.what == gated::back ? why_not_back(result.stages) : why_no_value(of, *part, "answers");
}

std::expected<void, std::string> check_windows(const std::vector<gate>& gates, duration length) {
  const duration window = gate_window(gates);
  for (const gate& each : gates) {
    if (each.every == duration::zero()) continue;
    if (each.every != window) {
      return std::unexpected(fmt::format("\"{}\": expected the same length after every \"every\"", each.text));
    }
    if (window < min_window || window > length) {
      return std::unexpected(fmt::format("\"{}\": expected windows of 100 ms to the {:g} s of this run", each.text,
                                         std::chrono::duration<double>(length).count()));
    }
  }
  return {};
}

}  // namespace

std::optional<double> back_after_ns(const std::vector<model::load_stage>& stages) {
  std::optional<double> longest;
  for (const model::load_stage& each : stages) {
    if (!each.burst) continue;
    if (!each.burst->back_until_s) return std::nullopt;
    longest = std::max(longest.value_or(0), *each.burst->back_until_s * 1e9);
  }
  return longest;
}

std::string why_not_back(const std::vector<model::load_stage>& stages) {
  const bool any = std::ranges::any_of(stages, [](const auto& each) { return each.burst.has_value(); });
  return any ? "not seen to be back" : "no stage was a burst";
}

std::optional<std::size_t> stage_index_of(std::string_view name) {
  constexpr std::string_view stage = "stage ";
  if (!name.starts_with(stage)) return std::nullopt;
  const auto place = model::parse_number(name.substr(stage.size()));
  if (!place || *place < 1 || *place > static_cast<double>(max_stages) || *place != std::floor(*place)) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(*place) - 1;
}

std::vector<double> gate_quantiles(const std::vector<gate>& gates) {
  std::vector<double> asked;
  for (const gate& each : gates) {
    if (each.what == gated::quantile) asked.push_back(each.quantile);
  }
  return asked;
}

std::vector<gate> windowed_gates(const std::vector<gate>& gates) {
  std::vector<gate> windowed;
  std::ranges::copy_if(gates, std::back_inserter(windowed), [](const gate& each) { return each.every > duration(); });
  return windowed;
}

duration gate_window(const std::vector<gate>& gates) {
  const std::vector<gate> windowed = windowed_gates(gates);
  return windowed.empty() ? duration::zero() : windowed.front().every;
}

std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const load_plan& plan) {
  if (const auto windows = check_windows(gates, plan.options.length); !windows) return windows;
  const std::size_t stages = plan.options.stages.size() > 1 ? plan.options.stages.size() : 0;
  const bool several = plan.several && plan.several->size() > 1;
  for (const gate& each : gates) {
    if (each.part.empty()) continue;
    const bool windowed = each.every > duration::zero();
    bool known = !windowed && stage_index_of(each.part).value_or(stages) < stages;
    for (std::size_t i = 0; several && i < plan.several->size(); ++i)
      known = known || (*plan.several)[i].name == each.part;
    if (known) continue;
    if (windowed) {
      return std::unexpected(fmt::format("\"{}\": no windows of \"{}\": expected the name of one of several requests",
                                         each.text, each.part));
    }
    return std::unexpected(fmt::format(
        "\"{}\": this run has no \"{}\": expected the name of one of several requests, or stage 1 to stage {}",
        each.text, each.part, std::max<std::size_t>(stages, 1)));
  }
  return {};
}

double error_share_of(const model::load_result& result) {
  const std::uint64_t attempts = attempts_of(result);
  return attempts == 0 ? 1 : static_cast<double>(model::total_of(result.errors)) / static_cast<double>(attempts);
}

std::optional<double> value_of(const gate& of, const gated_part& part) {
  const observe::histogram& times = *part.times;
  switch (of.what) {
    case gated::rate:
      return part.rate_rps;
    case gated::error_share:
      return part.error_share;
    case gated::mean:
      return times.count() > 0 ? std::optional(times.mean()) : std::nullopt;
    case gated::max:
      return times.count() > 0 ? std::optional(static_cast<double>(times.max())) : std::nullopt;
    case gated::quantile:
      return observe::estimated_quantile(times, of.quantile);
    case gated::back:
      break;
  }
  return std::nullopt;
}

bool holds(const gate& of, double value) { return of.what == gated::rate ? value > of.limit : value < of.limit; }

std::optional<model::time_interval> interval_of(const gate& of, const gated_part& part) {
  if (part.intervals == nullptr) return std::nullopt;
  if (of.what == gated::mean) return part.intervals->mean;
  if (of.what != gated::quantile) return std::nullopt;
  const auto& told = part.intervals->quantiles;
  const auto known = std::ranges::find(told, of.quantile, &model::quantile_interval::quantile);
  return known == told.end() ? std::nullopt : std::optional(known->within);
}

std::string why_no_value(const gate& of, const gated_part& part, std::string_view times) {
  if (of.what == gated::error_share) return "nothing was due";
  return fmt::format("not estimable from {} {}", part.times->count(), times);
}

model::gate_outcome outcome_of(const gate& of, const std::optional<double>& value, const std::string& remark,
                               const std::optional<model::time_interval>& within) {
  const bool met = value && holds(of, *value);
  model::gate_outcome outcome{
      .gate = of.text, .met = met, .measured = value ? value_text(of, *value) + remark : remark};
  if (value && within) {
    outcome.within = within;
    outcome.proven = met ? within->high_ns < of.limit : within->low_ns >= of.limit;
  }
  return outcome;
}

std::optional<std::string> untold_for_stalls(const gate& of, const model::own_stalls& stalls) {
  const bool of_run = of.part.empty() && of.every == duration::zero();
  if (!of_run || (of.what != gated::quantile && of.what != gated::max)) return std::nullopt;
  const double quantile = of.what == gated::max ? 1 : of.quantile;
  // By the same number that was asked for: 99.9 / 100 is not 0.999.
  const auto& asked = stalls.asked;
  const auto found = std::ranges::find(asked, quantile, &model::touched_time::quantile);
  if (found == asked.end() || found->least_ns >= of.limit) return std::nullopt;
  return fmt::format("\"{}\" is not told: {} can be the generator's own stall, without which it is {} or more", of.text,
                     value_text(of, found->measured_ns), value_text(of, found->least_ns));
}

bool judge_gates(const std::vector<gate>& gates, model::load_result& result) {
  bool all_met = true;
  for (const gate& each : gates) {
    const measured_value seen = measured(each, result);
    std::string remark;
    if (!seen.value) {
      remark = why_unknown(each, seen, result);
    } else if (seen.windows != nullptr) {
      remark = place_text(*seen.windows);
    }
    result.gates.push_back(outcome_of(each, seen.value, remark, seen.within));
    all_met = all_met && result.gates.back().met;
    if (!seen.value || result.gates.back().met) continue;
    if (std::optional<std::string> why = untold_for_stalls(each, result.stalls)) {
      result.reasons.push_back(std::move(*why));
      result.valid = false;
    }
  }
  return all_met;
}

}  // namespace assay::load
