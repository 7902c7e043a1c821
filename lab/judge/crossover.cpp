#include "lab/judge/crossover.hpp"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "lab/judge/compare.hpp"
#include "lab/judge/verdict.hpp"

namespace assay::judge {
namespace {

using model::finding;

// On the scale on which the comparison is made.
std::optional<model::estimate> over_runs_of(const std::vector<double>& values) {
  if (values.size() < 2) return std::nullopt;
  std::vector<double> logs;
  for (const double each : values) {
    if (!(each > 0)) return std::nullopt;
    logs.push_back(std::log(each));
  }
  const model::estimate of = mean_interval(logs, confidence, least_log_deviation);
  return model::estimate{std::exp(of.value), std::exp(of.low), std::exp(of.high), of.n};
}

hypothesis hypothesis_of(const char* metric, double margin, bool lower_is_better, std::vector<double> first,
                         std::vector<double> second) {
  hypothesis made;
  made.comparison.candidate = "B";
  made.comparison.reference = "A";
  made.comparison.metric = metric;
  made.comparison.margin = margin;
  made.lower_is_better = lower_is_better;
  made.candidate_runs = std::move(second);
  made.reference_runs = std::move(first);
  return made;
}

bool is_told(finding found) { return found != finding::inconclusive && found != finding::not_estimable; }

void conclude_crossover(model::crossover_result& of) {
  const std::vector<model::crossover_level>& levels = of.levels;
  const auto found_at = [&levels](std::size_t level) { return levels[level].throughput.verdict; };
  if (levels.empty() || !is_told(found_at(levels.size() - 1))) return;
  std::size_t from = levels.size();
  while (from > 0 && found_at(from - 1) == finding::better) --from;
  if (from == levels.size()) {
    of.outcome = model::crossover_outcome::never;
    return;
  }
  of.better_from = levels[from].connections;
  of.outcome = from == 0 ? model::crossover_outcome::always : model::crossover_outcome::inconclusive;
  for (std::size_t below = from; below-- > 0;) {
    if (!is_told(found_at(below)) || found_at(below) == finding::better) continue;
    of.outcome = model::crossover_outcome::crosses;
    of.not_better_until = levels[below].connections;
    return;
  }
}

}  // namespace

void judge_crossover(model::crossover_result& of) {
  std::vector<hypothesis> throughput;
  std::vector<hypothesis> p99;
  for (model::crossover_level& level : of.levels) {
    for (model::crossover_side& side : level.sides) {
      side.throughput = over_runs_of(side.good_rps);
      side.p99 = over_runs_of(side.p99_ms);
    }
    const auto& [first, second] = level.sides;
    throughput.push_back(
        hypothesis_of("good_rps", crossover_throughput_margin, false, first.good_rps, second.good_rps));
    p99.push_back(hypothesis_of("service_p99_ms", crossover_p99_margin, true, first.p99_ms, second.p99_ms));
  }
  judge_family(throughput, primary_alpha, confidence);
  judge_family(p99, primary_alpha, confidence);
  for (std::size_t i = 0; i < of.levels.size(); ++i) {
    of.levels[i].throughput = std::move(throughput[i].comparison);
    of.levels[i].p99 = std::move(p99[i].comparison);
  }
  of.outcome = model::crossover_outcome::inconclusive;
  of.better_from.reset();
  of.not_better_until.reset();
  conclude_crossover(of);
}

}  // namespace assay::judge
