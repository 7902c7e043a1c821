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

gated_part whole_of(const model::load_result& result) {
  const bool tried = attempts_of(result) > 0;
  return {.times = &result.latency.response_time,
          .rate_rps = result.achieved_rps,
          .error_share = tried ? std::optional(error_share_of(result)) : std::nullopt,
          .intervals = &result.intervals};
}

// Nothing when the run has no such part, or ended before it.
std::optional<gated_part> part_of(const gate& of, const model::load_result& result) {
  if (of.part.empty()) return whole_of(result);
  const auto route = std::ranges::find(result.routes, of.part, &model::load_route::name);
  if (route != result.routes.end()) {
    return part_from(*route, std::max(1e-9, std::chrono::duration<double>(result.duration).count()));
  }
  if (of.part == steady_part) return steady_part_of(result.steady, whole_of(result));
  const auto index = stage_index_of(of.part);
  if (!index || *index >= result.stages.size()) return std::nullopt;
  const model::load_stage& stage = result.stages[*index];
  return part_from(stage, std::max(1e-9, stage.length_s));
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

model::gate_outcome outcome_in(const gate& of, const model::load_result& result) {
  if (of.every > duration::zero()) return outcome_of_windows(of, result.windows, "answers");
  if (of.what == gated::back) {
    const std::optional<double> back = back_after_ns(result.stages);
    return outcome_of(of, back, back ? "" : why_not_back(result.stages));
  }
  const std::optional<gated_part> part = part_of(of, result);
  if (!part) {
    const bool of_steady = of.part == steady_part;
    return outcome_of(of, std::nullopt, of_steady ? why_not_steady(result.steady) : "the run ended before it");
  }
  const std::optional<double> value = value_of(of, *part);
  return outcome_of(of, value, value ? "" : why_no_value(of, *part, "answers"), interval_of(of, *part));
}

std::expected<void, std::string> check_stage(const gate& of, const load_plan& plan) {
  if (of.every > duration::zero()) {
    return std::unexpected(
        fmt::format("\"{}\": no windows of \"{}\": expected the name of one of several requests", of.text, of.part));
  }
  const std::size_t stages = plan.options.stages.size() > 1 ? plan.options.stages.size() : 0;
  if (stage_index_of(of.part).value_or(stages) < stages) return {};
  return std::unexpected(fmt::format(
      "\"{}\": this run has no \"{}\": expected the name of one of several requests, or stage 1 to stage {}", of.text,
      of.part, std::max<std::size_t>(stages, 1)));
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

std::optional<std::size_t> request_index_of(std::string_view name, const load_plan& plan) {
  if (!plan.several || plan.several->size() <= 1) return std::nullopt;
  for (std::size_t i = 0; i < plan.several->size(); ++i) {
    if ((*plan.several)[i].name == name) return i;
  }
  return std::nullopt;
}

std::expected<void, std::string> check_steady(const gate& of, const std::vector<stage>& stages) {
  const bool of_times = of.what == gated::quantile || of.what == gated::mean || of.what == gated::max;
  if (!of_times || of.every > duration::zero()) {
    return std::unexpected(fmt::format("\"{}\": expected p99[steady]<50ms, mean or max, and no \"every\"", of.text));
  }
  if (stages.size() > 1 || std::ranges::any_of(stages, [](const stage& each) { return !each.is_even(); })) {
    return std::unexpected(fmt::format("\"{}\": expected a run of one even rate: stages differ on purpose", of.text));
  }
  return {};
}

std::optional<gated_part> steady_part_of(const std::optional<model::steadiness>& seen, const gated_part& whole) {
  if (!seen || seen->drift) return std::nullopt;
  if (!seen->since) return whole;
  return gated_part{.times = &*seen->since, .intervals = &seen->intervals};
}

std::string why_not_steady(const std::optional<model::steadiness>& seen) {
  if (!seen) return "too few answers to tell whether it was steady";
  return fmt::format("not steady: {:.2g} times in this run", seen->drift.value_or(1));
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

std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const load_plan& plan) {
  if (const auto windows = check_windows(gates, plan.options.length); !windows) return windows;
  for (const gate& each : gates) {
    if (each.part.empty() || request_index_of(each.part, plan)) continue;
    const auto sound = each.part == steady_part ? check_steady(each, plan.options.stages) : check_stage(each, plan);
    if (!sound) return sound;
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

model::gate_outcome outcome_of_windows(const gate& of, const std::vector<model::window_outcome>& windows,
                                       std::string_view times) {
  // Of the worst window in which anything was to be sent.
  const auto seen = std::ranges::find(windows, of.text, &model::window_outcome::gate);
  if (seen == windows.end() || seen->windows == 0) return outcome_of(of, std::nullopt, "the run had no whole window");
  const std::string place = place_text(*seen);
  if (seen->value) return outcome_of(of, seen->value, place);
  return outcome_of(of, std::nullopt, fmt::format("not estimable from {} {}{}", seen->answers, times, place));
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
    const model::gate_outcome& outcome = result.gates.emplace_back(outcome_in(each, result));
    if (outcome.met) continue;
    all_met = false;
    if (std::optional<std::string> why = untold_for_stalls(each, result.stalls)) {
      result.reasons.push_back(std::move(*why));
      result.valid = false;
    }
  }
  return all_met;
}

}  // namespace assay::load
