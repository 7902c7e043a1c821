#include "lab/plan/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "lab/plan/objectives.hpp"
#include "lab/plan/read.hpp"

namespace assay::plan {
namespace {

model::fault resolve_fault(const fault_draft& draft) {
  model::fault made{.dependency = draft.dependency};
  if (draft.latency) {
    made.latency_median = draft.latency->median;
    made.latency_sigma = draft.latency->sigma;
  }
  if (draft.outage) made.kind = model::fault_kind::outage;
  if (draft.reset) made.kind = model::fault_kind::reset;
  return made;
}

void check_rate(reader& in, const yaml_node& phase, std::size_t i, double rate) {
  if (rate >= least_rate && rate <= most_rate) return;
  in.refuse(phase.at,
            fmt::format("phases[{}]: {} requests a second are out of range {} to {}", i, rate, least_rate, most_rate));
}

// The busiest part of a shape is still a rate.
void check_shape(reader& in, const yaml_node& phase, std::size_t i, const std::vector<double>& shape, double rate) {
  if (shape.empty() || in.failed()) return;
  const double mean = std::accumulate(shape.begin(), shape.end(), 0.0) / static_cast<double>(shape.size());
  check_rate(in, phase, i, rate * std::max(std::ranges::max(shape) / mean, 1.0));
}

model::crowding resolve_bursts(const bursts_draft& draft) {
  model::crowding made{.of_rate_per_s = draft.of_rate.value_or(0)};
  if (draft.second) made.dispersion[1] = *draft.second;
  if (draft.ten) made.dispersion[10] = *draft.ten;
  if (draft.minute) made.dispersion[60] = *draft.minute;
  if (draft.peak_second) made.peak[1] = *draft.peak_second;
  if (draft.peak_ten) made.peak[10] = *draft.peak_ten;
  if (draft.peak_minute) made.peak[60] = *draft.peak_minute;
  return made;
}

std::vector<model::phase> resolve_phases(reader& in, const yaml_node& list, std::vector<phase_draft> drafts,
                                         std::optional<double> baseline_per_s) {
  const auto steady = std::ranges::find(drafts, model::phase_kind::steady, &phase_draft::kind);
  if (steady == drafts.end()) {
    in.refuse(list.at, "phases: expected at least one of kind steady, the baseline");
    return {};
  }
  if (!baseline_per_s && steady->rate.times_baseline) {
    const auto i = static_cast<std::size_t>(steady - drafts.begin());
    in.refuse(list.items[i].find("rate")->at,
              fmt::format("phases[{}].rate: the first steady phase is the baseline; write its rate as a number", i));
    return {};
  }
  const double baseline = baseline_per_s.value_or(steady->rate.number);
  // The full-length process has its own baseline, of which its "10x" are.
  const double full_baseline = steady->full.rate.value_or(steady->rate).per_s(baseline);
  std::vector<model::phase> phases;
  for (std::size_t i = 0; i < drafts.size(); ++i) {
    phase_draft& each = drafts[i];
    each.rate_per_s = each.rate.per_s(baseline);
    each.full_rate_per_s = each.full.rate.value_or(each.rate).per_s(full_baseline);
    each.full_length = each.full.length.value_or(each.length);
    std::ranges::transform(each.done_to, std::back_inserter(each.faults), resolve_fault);
    check_rate(in, list.items[i], i, each.rate_per_s);
    check_rate(in, list.items[i], i, each.full_rate_per_s);
    check_shape(in, list.items[i], i, each.shape, std::max(each.rate_per_s, each.full_rate_per_s));
    if (each.crowded) each.bursts = resolve_bursts(*each.crowded);
    phases.push_back(std::move(static_cast<model::phase&>(each)));
  }
  return phases;
}

std::vector<model::dependency> resolve_dependencies(const reader& in, std::vector<dependency_draft> drafts) {
  std::vector<model::dependency> dependencies;
  for (dependency_draft& each : drafts) {
    model::dependency& made = dependencies.emplace_back();
    made.name = std::move(each.name);
    if (each.postgres) {
      for (const std::string& path : each.postgres->schema) made.schema.push_back(in.absolute(path));
      for (const std::string& path : each.postgres->reset) made.reset.push_back(in.absolute(path));
      made.reconcile_query = std::move(each.postgres->reconcile);
    } else if (each.http_service) {
      made.kind = model::dependency_kind::http_service;
      made.latency_median = each.http_service->latency.median;
      made.latency_sigma = each.http_service->latency.sigma;
      made.error_share = each.http_service->error_share;
      made.reply = each.http_service->reply;
    }
  }
  return dependencies;
}

std::vector<model::candidate> resolve_candidates(reader& in, const yaml_node& list,
                                                 std::vector<candidate_draft> drafts) {
  std::vector<model::candidate> candidates;
  for (std::size_t i = 0; i < drafts.size() && !in.failed(); ++i) {
    candidate_draft& each = drafts[i];
    if (each.refers_to.empty()) {
      candidates.push_back(std::move(static_cast<model::candidate&>(each)));
      continue;
    }
    auto read = read_candidate(in.absolute(each.refers_to));
    if (!read) {
      in.refuse(list.items[i].at, fmt::format("candidates[{}]: {}", i, read.error()));
      break;
    }
    if (!each.title.empty()) read->title = each.title;
    if (!each.name.empty() && each.name != read->name) {
      if (each.title.empty()) read->title += fmt::format(" ({})", each.name);
      read->name = each.name;
    }
    candidates.push_back(std::move(*read));
  }
  return candidates;
}

std::vector<model::objective> resolve_objectives(reader& in, const yaml_node& root, const char* key,
                                                 const std::vector<std::string>& written) {
  std::vector<model::objective> made;
  for (std::size_t i = 0; i < written.size(); ++i) {
    auto read = parse_objective(written[i]);
    if (read) {
      made.push_back(std::move(*read));
    } else {
      in.refuse(root.find(key)->items[i].at,
                fmt::format("{}[{}]: {}, found {}", key, i, read.error(), in_quotes(written[i])));
    }
  }
  return made;
}

}  // namespace

model::plan resolve(reader& in, const yaml_node& root, const yaml_node& list, plan_draft draft,
                    std::optional<double> baseline_per_s) {
  std::vector<model::phase> phases = resolve_phases(in, list, std::move(draft.steps), baseline_per_s);
  std::vector<model::candidate> candidates =
      resolve_candidates(in, *root.find("candidates"), std::move(draft.contenders));
  model::plan made = std::move(static_cast<model::plan&>(draft));
  made.phases = std::move(phases);
  made.candidates = std::move(candidates);
  made.dependencies = resolve_dependencies(in, std::move(draft.needs));
  made.objectives = resolve_objectives(in, root, "objectives", draft.kept);
  made.proposed = resolve_objectives(in, root, "proposed_objectives", draft.to_confirm);
  for (background_draft& each : draft.tasks) {
    made.background.push_back(std::move(static_cast<model::background_task&>(each)));
  }
  for (route_draft& each : draft.routes) made.workload.push_back(std::move(static_cast<model::bound_route&>(each)));
  made.stall_threshold_ms = std::chrono::duration<double, std::milli>(draft.stall_threshold).count();
  if (!made.conformance.empty()) made.conformance = in.absolute(made.conformance);
  if (made.reference.empty() && !made.candidates.empty()) made.reference = made.candidates.front().name;
  return made;
}

}  // namespace assay::plan
