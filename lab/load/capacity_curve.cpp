#include "lab/load/capacity_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <optional>
#include <utility>

#include "lab/load/span.hpp"

namespace assay::load {
namespace {

// Of the length of a run at the capacity: the overload, what is watched afterwards, and a slice of that. An overload of
// twice the capacity leaves a backlog that takes five times as long as it lasted, at recovery_load: less than half of
// what is watched.
constexpr double overload_part = 0.25;
constexpr double watched_part = 3;
constexpr double slice_part = 0.125;
constexpr double least_slices = 4;
constexpr double most_slices = 24;  // each keeps histograms of its own

duration part_of_length(duration whole, double part) {
  return duration(static_cast<duration::rep>(part * static_cast<double>(whole.count())));
}

// Those that a slice of a run can be judged by, of slice `index`: what one of several requests took is not told by
// stage.
std::vector<gate> gates_of_slice(const std::vector<gate>& gates, std::size_t index) {
  std::vector<gate> of_slice;
  for (const gate& each : gates) {
    if (each.what == gated::rate || !each.part.empty()) continue;
    of_slice.push_back(each);
    of_slice.back().part = fmt::format("stage {}", index + 2);  // from 1 on, and the first is the overload
  }
  return of_slice;
}

}  // namespace

std::vector<double> curve_rates(double capacity_rps, std::size_t points) {
  assert(points >= 2 && points <= most_curve_points);
  std::vector<double> rates;
  const double step = (curve_until - curve_from) / static_cast<double>(points - 1);
  for (std::size_t i = 0; i < points; ++i) {
    rates.push_back(capacity_rps * (curve_from + step * static_cast<double>(i)));
  }
  return rates;
}

double time_objective_ns(const std::vector<gate>& gates, duration timeout) {
  std::optional<double> loosest;
  std::optional<double> mean;
  for (const gate& each : gates) {
    if (each.what == gated::quantile || each.what == gated::max) loosest = std::max(loosest.value_or(0), each.limit);
    if (each.what == gated::mean) mean = std::max(mean.value_or(0), each.limit);
  }
  const auto most = static_cast<double>(timeout.count());
  return std::min(most, loosest ? *loosest : mean.value_or(most));
}

model::overload judge_overload(std::span<const model::capacity_run> curve, double capacity_rps) {
  const model::capacity_run* worst = nullptr;
  for (const model::capacity_run& each : curve) {
    if (!each.valid || each.rate_rps < least_overload * capacity_rps) continue;
    if (worst == nullptr || each.in_slo_rps < worst->in_slo_rps) worst = &each;
  }
  if (worst == nullptr) return {};
  const double share = worst->in_slo_rps / capacity_rps;
  return {.outcome = share >= held_share        ? model::overload_outcome::holds
                     : share >= collapsed_share ? model::overload_outcome::falls
                                                : model::overload_outcome::collapses,
          .rate_rps = worst->rate_rps,
          .in_slo_share = share,
          .answered_share = worst->goodput_rps / capacity_rps};
}

recovery_plan plan_recovery(double capacity_rps, double overload_factor, duration run_length, double requests_needed) {
  assert(overload_factor > 1);
  const double at_rps = recovery_load * capacity_rps;
  const duration overload = part_of_length(run_length, overload_part);
  const duration told(static_cast<duration::rep>(std::ceil(1e9 * requests_needed / at_rps)));
  const duration slice = std::max(part_of_length(run_length, slice_part), told);
  const double wanted = in_seconds(part_of_length(run_length, watched_part)) / in_seconds(slice);
  const auto slices = static_cast<std::size_t>(std::clamp(std::ceil(wanted), least_slices, most_slices));
  recovery_plan plan;
  plan.stages.push_back({.rate_per_s = overload_factor * capacity_rps, .length = overload});
  for (std::size_t i = 0; i < slices; ++i) plan.stages.push_back({.rate_per_s = at_rps, .length = slice});
  plan.expected = {.overload_rps = overload_factor * capacity_rps,
                   .overload_s = in_seconds(overload),
                   .at_rps = at_rps,
                   .watched_s = in_seconds(slice) * static_cast<double>(slices),
                   .backlog_s = in_seconds(overload) * (overload_factor - 1) / (1 - recovery_load)};
  return plan;
}

model::capacity_recovery judge_recovery(model::capacity_recovery expected, const std::vector<gate>& gates,
                                        model::load_result seen) {
  if (!seen.valid) {
    expected.why_not = "the run was INVALID: " + (seen.reasons.empty() ? std::string("unknown") : seen.reasons.front());
    return expected;
  }
  if (gates_of_slice(gates, 0).empty()) {
    expected.why_not = "no objective of time or errors of all requests";
    return expected;
  }
  const std::size_t slices = seen.stages.empty() ? 0 : seen.stages.size() - 1;
  bool kept_before = false;
  for (std::size_t i = 0; i < slices; ++i) {
    const bool kept = judge_gates(gates_of_slice(gates, i), seen);
    if (kept && kept_before) {
      const model::load_stage& back = seen.stages[i];  // the slice before this one
      expected.back_from_s = back.start_s - expected.overload_s;
      expected.back_until_s = *expected.back_from_s + back.length_s;
      return expected;
    }
    kept_before = kept;
  }
  expected.why_not = seen.interrupted ? "the run was ended early"
                                      : fmt::format("not back within {:g} s of watching", expected.watched_s);
  return expected;
}

}  // namespace assay::load
