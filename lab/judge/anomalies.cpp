#include "lab/judge/anomalies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/judge/compare.hpp"

namespace assay::judge {
namespace {

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// "1260 ms", never "1.26e+03".
std::string milliseconds(double value) {
  return value >= 999.5 ? fmt::format("{:.0f} ms", value) : fmt::format("{:.3g} ms", value);
}

void add_endings(std::vector<std::string>& to, const run& each) {
  if (each.state != model::trial_state::complete) {
    std::string why;  // all of them: who died may have lost writes as well
    for (const std::string& reason : each.reasons) why += (why.empty() ? "" : "; ") + reason;
    to.push_back(fmt::format("{}, run {}: {}: {}", each.candidate, each.repeat, label(each.state),
                             why.empty() ? "no reason was given" : why));
  }
  if (each.state == model::trial_state::complete && each.had_fault && !each.whole.values.contains("recovery_s")) {
    to.push_back(
        fmt::format("{}, run {}: did not recover from the fault while it was watched", each.candidate, each.repeat));
  }
}

void add_overload(std::vector<std::string>& to, const std::string& phase, std::span<const run* const> runs) {
  unsigned short_runs = 0;
  double least = 1;
  const phase_run* worst = nullptr;
  for (const run* each : runs) {
    const phase_run* in = each->find(phase);
    if (in == nullptr || in->offered == 0) continue;
    const auto errors = in->metrics.values.find("error_share");
    if (errors == in->metrics.values.end()) continue;
    const double met = 1 - errors->second;
    if (met >= met_share_of_load) continue;
    ++short_runs;
    if (met < least || worst == nullptr) {
      least = met;
      worst = in;
    }
  }
  if (worst == nullptr) return;
  const auto goodput = worst->metrics.values.find("goodput_rps");
  to.push_back(fmt::format(
      "{}, {}: the offered load was not met in {} of {} runs; the worst answered {:.0f} % of {:.0f} "
      "requests/s well{}",
      runs.front()->candidate, phase, short_runs, runs.size(), 100 * least, worst->offered_rps,
      goodput == worst->metrics.values.end() ? std::string() : fmt::format(" ({:.1f} a second)", goodput->second)));
}

void add_unlike(std::vector<std::string>& to, const std::string& phase, const std::string& metric,
                std::span<const run* const> runs) {
  if (runs.size() < 3) return;
  for (const run* each : runs) {
    std::vector<double> siblings;
    double own = 0;
    for (const run* other : runs) {
      const phase_run* in = other->find(phase);
      if (in == nullptr) continue;
      const auto value = in->metrics.values.find(metric);
      if (value == in->metrics.values.end()) continue;
      if (other == each) {
        own = value->second;
      } else {
        siblings.push_back(value->second);
      }
    }
    if (siblings.size() < 2 || own <= 0) continue;
    const double median = median_of(siblings);
    // Among three runs, two that differ from each other say nothing about the third.
    const auto [low, high] = std::ranges::minmax(siblings);
    if (median <= 0 || high > unlike_factor * low) continue;
    if (own > unlike_factor * median || own < median / unlike_factor) {
      to.push_back(fmt::format("{}, {}: run {} is unlike its siblings: {} response time {} against {}", each->candidate,
                               phase, each->repeat, metric == "response_p90_ms" ? "p90" : "p99", milliseconds(own),
                               milliseconds(median)));
    }
  }
}

}  // namespace

std::vector<std::string> anomalies_of(const model::plan& plan, std::span<const run> runs) {
  std::vector<std::string> found;
  for (const model::candidate& candidate : plan.candidates) {
    std::vector<const run*> complete;
    for (const run& each : runs) {
      if (each.candidate != candidate.name) continue;
      add_endings(found, each);
      if (each.state == model::trial_state::complete) complete.push_back(&each);
    }
    for (const model::phase& phase : plan.phases) {
      if (phase.kind == model::phase_kind::warm_up) continue;
      add_overload(found, phase.name, complete);
      if (const auto metric = primary_metric(plan, phase)) add_unlike(found, phase.name, *metric, complete);
    }
  }
  return found;
}

}  // namespace assay::judge
