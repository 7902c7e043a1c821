#include "lab/judge/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "lab/judge/anomalies.hpp"
#include "lab/judge/blocking.hpp"
#include "lab/judge/diagnose_runs.hpp"
#include "lab/judge/statistics.hpp"
#include "lab/judge/verdict.hpp"

namespace assay::judge {
namespace {

using runs_of = std::vector<const run*>;

struct metric_rule {
  const char* name;
  bool is_share = false;
  bool missing_is_bad = false;  // runs without the value went worse than those with it
  double margin = 0;            // 0: never compared
  bool secondary = false;
  bool lower_is_better = true;
};

constexpr std::array phase_metrics{
    metric_rule{.name = "response_p50_ms", .margin = 0.05, .secondary = true},
    metric_rule{.name = "response_p90_ms", .margin = 0.10},
    metric_rule{.name = "response_p99_ms", .margin = 0.10},
    metric_rule{.name = "error_share", .is_share = true},
    metric_rule{.name = "goodput_rps", .margin = 0.05, .secondary = true, .lower_is_better = false},
    metric_rule{.name = "cpu_ms_per_request", .margin = 0.10, .secondary = true},
    metric_rule{.name = "rss_mib", .margin = 0.10, .secondary = true},
    metric_rule{.name = "lag_p99_ms"},
    metric_rule{.name = "utilisation", .is_share = true},
};
constexpr std::array trial_metrics{metric_rule{.name = "start_up_s"},
                                   metric_rule{.name = "recovery_s", .missing_is_bad = true}};

struct collected {
  std::vector<double> values;
  double finest_share = 1;  // one request of the smallest run
  std::string why_not;
};

collected collect(const runs_of& runs, const std::string& phase, const char* metric) {
  collected found;
  for (const run* each : runs) {
    const phase_run* in = phase.empty() ? nullptr : each->find(phase);
    if (!phase.empty() && in == nullptr) {
      found.why_not = "the phase did not run";
      continue;
    }
    const metric_values& from = in == nullptr ? each->whole : in->metrics;
    if (const auto value = from.values.find(metric); value != from.values.end()) {
      found.values.push_back(value->second);
      if (in != nullptr && in->offered > 0) {
        found.finest_share = std::min(found.finest_share, 1 / static_cast<double>(in->offered));
      }
    } else if (const auto why = from.why_not.find(metric); why != from.why_not.end()) {
      found.why_not = fmt::format("run {}: {}", each->repeat, why->second);
    }
  }
  return found;
}

model::estimate over_runs(const collected& of, const metric_rule& rule) {
  const bool ratio_scale = !rule.is_share && std::ranges::all_of(of.values, [](double value) { return value > 0; });
  if (ratio_scale) {
    std::vector<double> logs;
    for (const double each : of.values) logs.push_back(std::log(each));
    const model::estimate of_logs = mean_interval(logs, confidence, least_log_deviation);
    return {std::exp(of_logs.value), std::exp(of_logs.low), std::exp(of_logs.high), of_logs.n};
  }
  // What may be zero: on its own scale, cut off where it cannot be.
  model::estimate plain = mean_interval(of.values, confidence, rule.is_share ? of.finest_share : 0);
  plain.low = std::max(0.0, plain.low);
  if (rule.is_share) plain.high = std::min(1.0, plain.high);
  return plain;
}

model::metric_summary summarise(const std::string& candidate, const std::string& phase, const metric_rule& rule,
                                const runs_of& runs) {
  collected of = collect(runs, phase, rule.name);
  model::metric_summary made{
      .candidate = candidate, .phase = phase, .metric = rule.name, .runs = {}, .over_runs = {}, .why_not = {}};
  // A mean over those that came back would be of the good runs alone.
  const bool partial = rule.missing_is_bad && of.values.size() < runs.size();
  if (of.values.size() >= 2 && !partial) {
    made.over_runs = over_runs(of, rule);
  } else if (!of.why_not.empty()) {
    made.why_not = of.why_not;
  } else {
    made.why_not = fmt::format("{} complete run{}: an interval needs two", runs.size(), runs.size() == 1 ? "" : "s");
  }
  made.runs = std::move(of.values);
  return made;
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// A failed request is no fast answer: who fails more is not called better for it. Nor as good: at the time limit the
// p99 of two candidates is alike, whatever part of their requests ends there.
void withhold_for_errors(model::metric_comparison& of, const runs_of& candidate, const runs_of& reference) {
  using model::finding;
  if (of.verdict != finding::better && of.verdict != finding::worse && of.verdict != finding::equivalent) return;
  const double of_candidate = mean_of(collect(candidate, of.phase, "error_share").values);
  const double of_reference = mean_of(collect(reference, of.phase, "error_share").values);
  const double candidate_more = of_candidate - of_reference;
  const bool alike = of.verdict == finding::equivalent;
  const double more = alike                           ? std::abs(candidate_more)
                      : of.verdict == finding::better ? candidate_more
                                                      : -candidate_more;
  if (more <= tolerated_more_errors) return;
  of.verdict = finding::inconclusive;
  of.why = fmt::format("{}: {:.1f} % of the requests against {:.1f} % ({} against {})",
                       alike ? "they look alike, but one fails more" : "the one that looks better fails more",
                       100 * of_candidate, 100 * of_reference, of.candidate, of.reference);
}

using runs_by_candidate = std::map<std::string, runs_of>;

hypothesis make_hypothesis(const model::plan& plan, const std::string& candidate, const std::string& phase,
                           const metric_rule& rule, runs_by_candidate& runs) {
  hypothesis made;
  made.comparison.candidate = candidate;
  made.comparison.reference = plan.reference;
  made.comparison.phase = phase;
  made.comparison.metric = rule.name;
  made.comparison.margin = rule.margin;
  made.lower_is_better = rule.lower_is_better;
  for (const auto& [name, into] :
       {std::pair{candidate, &made.candidate_runs}, {plan.reference, &made.reference_runs}}) {
    collected of = collect(runs[name], phase, rule.name);
    // A run without the value would leave out just the runs that went badly.
    if (of.values.size() < runs[name].size() && made.cannot.empty()) {
      made.cannot = fmt::format("{}, {}", name, of.why_not);
    }
    *into = std::move(of.values);
  }
  return made;
}

void add_comparisons(model::comparison& to, const model::plan& plan, runs_by_candidate& runs) {
  std::vector<hypothesis> primary;
  std::vector<hypothesis> secondary;
  for (const model::phase& phase : plan.phases) {
    if (phase.kind == model::phase_kind::warm_up) continue;
    const auto judged = primary_metric(plan, phase);
    for (const model::candidate& each : plan.candidates) {
      if (each.name == plan.reference) continue;
      for (const metric_rule& rule : phase_metrics) {
        const bool is_primary = judged == rule.name;
        if (!is_primary && !rule.secondary) continue;
        hypothesis made = make_hypothesis(plan, each.name, phase.name, rule, runs);
        made.comparison.primary = is_primary;
        (is_primary ? primary : secondary).push_back(std::move(made));
      }
    }
  }
  judge_family(primary, primary_alpha, confidence);
  judge_family(secondary, secondary_alpha, confidence);
  for (auto* family : {&primary, &secondary}) {
    for (hypothesis& each : *family) {
      // CPU and memory are cheap for who fails fast as well.
      withhold_for_errors(each.comparison, runs[each.comparison.candidate], runs[plan.reference]);
      to.comparisons.push_back(std::move(each.comparison));
    }
  }
}

model::candidate_summary summarise(const model::candidate& of, std::span<const run> all, const runs_of& complete,
                                   double stall_threshold_ms) {
  model::candidate_summary made;
  made.name = of.name;
  made.title = of.title.empty() ? of.name : of.title;
  made.ours = of.ours;
  for (const run& each : all) {
    if (each.candidate != of.name) continue;
    if (each.state == model::trial_state::complete) ++made.complete;
    if (each.state == model::trial_state::invalid) ++made.invalid;
    if (each.state == model::trial_state::failed) ++made.failed;
    const auto said = label(each.state);
    for (const std::string& reason : each.reasons) {
      made.remarks.push_back(fmt::format("run {} ({}): {}", each.repeat, said, reason));
    }
  }
  made.blocking = merge_sites(complete);
  made.freezes = candidate_freezes(complete, stall_threshold_ms);
  made.diagnosis = diagnose_runs(complete);
  return made;
}

}  // namespace

std::optional<std::string> primary_metric(const model::plan& plan, const model::phase& phase) {
  double planned = phase.rate_per_s * std::chrono::duration<double>(phase.length).count();
  // Of Poisson arrivals fewer may come; three standard deviations less in one run of a thousand.
  if (plan.arrivals == model::arrival_law::poisson) planned -= 3 * std::sqrt(std::max(0.0, planned));
  for (const auto& [name, q] : {std::pair{"response_p99_ms", 0.99}, {"response_p90_ms", 0.90}}) {
    if (planned * (1 - q) * (1 + 1e-9) >= requests_beyond_quantile) return name;
  }
  return std::nullopt;
}

model::comparison compare(const model::plan& plan, std::span<const run> runs) {
  runs_by_candidate complete;
  for (const run& each : runs) {
    if (each.state == model::trial_state::complete) complete[each.candidate].push_back(&each);
  }
  for (auto& [name, of] : complete) std::ranges::sort(of, {}, &run::repeat);
  model::comparison made;
  made.source.plan_sha256 = plan.source_sha256;
  made.source.seed = plan.seed;
  made.source.repeats = plan.repeats;
  made.plan_name = plan.name;
  made.reference = plan.reference;
  made.confidence = confidence;
  made.stall_threshold_ms = plan.stall_threshold_ms;
  for (const model::candidate& each : plan.candidates) {
    made.candidates.push_back(summarise(each, runs, complete[each.name], plan.stall_threshold_ms));
    for (const model::phase& phase : plan.phases) {
      if (phase.kind == model::phase_kind::warm_up) continue;
      for (const metric_rule& rule : phase_metrics) {
        made.metrics.push_back(summarise(each.name, phase.name, rule, complete[each.name]));
      }
    }
    for (const metric_rule& rule : trial_metrics) {
      made.metrics.push_back(summarise(each.name, "", rule, complete[each.name]));
    }
  }
  add_comparisons(made, plan, complete);
  made.anomalies = anomalies_of(plan, runs);
  return made;
}

model::comparison compare(const model::plan& plan, std::span<const model::trial> trials) {
  std::vector<run> runs;
  for (const model::trial& each : trials) runs.push_back(measure(each, plan));
  return compare(plan, runs);
}

}  // namespace assay::judge
