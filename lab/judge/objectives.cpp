#include "lab/judge/objectives.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lab/judge/measure.hpp"

namespace assay::judge {
namespace {

const model::route_measurement* part_of(const model::phase_measurement& phase, const std::string& route) {
  if (route.empty()) return &phase.all;
  const auto found = std::ranges::find(phase.routes, route, &model::route_measurement::route);
  return found == phase.routes.end() ? nullptr : &*found;
}

// Nanoseconds, or a share; nothing when it cannot be told.
std::optional<double> value_of(const model::objective& what, const model::route_measurement& in) {
  if (what.of == model::objective::kind::error_share) {
    if (in.offered == 0) return std::nullopt;
    return std::clamp(1 - static_cast<double>(in.answered_well) / static_cast<double>(in.offered), 0.0, 1.0);
  }
  const observe::histogram& times = in.latency.response_time;
  const double needed = std::ceil(requests_beyond_quantile / (1 - what.quantile) * (1 - 1e-9));
  if (static_cast<double>(times.count()) < needed) return std::nullopt;
  return static_cast<double>(std::min(times.value_at_quantile(what.quantile), times.max()));
}

std::string value_text(const model::objective& what, double value) {
  if (what.of == model::objective::kind::error_share) return fmt::format("{:.3g} %", 100 * value);
  const double ms = value / 1e6;
  return ms >= 999.5 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.3g} ms", ms);
}

// Of one candidate's complete runs.
struct outcome {
  unsigned runs = 0;
  unsigned told = 0;
  unsigned broken = 0;
  double worst = 0;
};

outcome outcome_of(const model::objective& what, const std::string& candidate, const std::string& phase,
                   std::span<const model::trial> trials) {
  outcome seen;
  for (const model::trial& each : trials) {
    if (each.candidate != candidate || each.state != model::trial_state::complete) continue;
    const model::phase_measurement* const in = each.find_phase(phase);
    if (in == nullptr) continue;
    ++seen.runs;
    const model::route_measurement* const part = part_of(*in, what.route);
    const std::optional<double> value = part == nullptr ? std::nullopt : value_of(what, *part);
    if (!value) continue;
    ++seen.told;
    seen.broken += *value >= what.limit;
    seen.worst = std::max(seen.worst, *value);
  }
  return seen;
}

}  // namespace

std::vector<std::string> broken_objectives(const model::plan& plan, std::span<const model::trial> trials) {
  std::vector<std::string> said;
  for (const model::candidate& candidate : plan.candidates) {
    const bool has_run = std::ranges::any_of(trials, [&](const model::trial& each) {
      return each.candidate == candidate.name && each.state == model::trial_state::complete;
    });
    if (!has_run && !plan.objectives.empty()) {
      said.push_back(fmt::format("{}: no objective can be told: none of its runs is complete", candidate.name));
      continue;
    }
    for (const model::phase& phase : plan.phases) {
      if (phase.kind != model::phase_kind::steady) continue;
      for (const model::objective& each : plan.objectives) {
        const outcome seen = outcome_of(each, candidate.name, phase.name, trials);
        const std::string where = fmt::format("{}, {}: {}", candidate.name, phase.name, each.text);
        if (seen.broken > 0) {
          said.push_back(fmt::format("{} was not kept in {} of {} runs: {} at the worst", where, seen.broken, seen.runs,
                                     value_text(each, seen.worst)));
        } else if (seen.told < seen.runs) {
          said.push_back(fmt::format("{} cannot be told in {} of {} runs: too few answers", where,
                                     seen.runs - seen.told, seen.runs));
        }
      }
    }
  }
  return said;
}

}  // namespace assay::judge
