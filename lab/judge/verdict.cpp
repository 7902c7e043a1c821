#include "lab/judge/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "lab/model/holm.hpp"

namespace assay::judge {
namespace {

using model::finding;

std::vector<double> logarithms(std::span<const double> values) {
  std::vector<double> logs;
  for (const double each : values) logs.push_back(std::log(each));
  return logs;
}

struct tested {
  welch_comparison test;
  double half = 0;
  double margin = 0;  // on the log scale
  unsigned runs = 0;  // of the smaller side
};

std::optional<tested> test(hypothesis& each, double confidence) {
  if (each.cannot.empty() && (each.candidate_runs.size() < 2 || each.reference_runs.size() < 2)) {
    each.cannot = fmt::format("{} and {} runs with a value, two each are needed", each.candidate_runs.size(),
                              each.reference_runs.size());
  }
  const auto positive = [](double value) { return value > 0 && std::isfinite(value); };
  if (each.cannot.empty() &&
      !(std::ranges::all_of(each.candidate_runs, positive) && std::ranges::all_of(each.reference_runs, positive))) {
    each.cannot = "a run has the value zero, so there is no ratio";
  }
  if (!each.cannot.empty()) return std::nullopt;
  tested made;
  made.test = welch(logarithms(each.candidate_runs), logarithms(each.reference_runs), least_log_deviation);
  made.half = made.test.half_width(confidence);
  made.margin = std::log1p(each.comparison.margin);
  made.runs = static_cast<unsigned>(std::min(each.candidate_runs.size(), each.reference_runs.size()));
  const double d = made.test.difference;
  each.comparison.ratio = {std::exp(d), std::exp(d - made.half), std::exp(d + made.half), made.runs};
  return made;
}

// The standard error falls with the root of the number of runs, and so does Student's factor with the degrees of
// freedom: of two runs most of the width is the latter. A difference must hold after the correction, so it is asked for
// at the first step of Holm's; equivalence needs the interval alone.
std::string more_runs(const tested& of, std::size_t family, double alpha, double confidence) {
  const double beyond = std::abs(of.test.difference) - of.margin;
  const double distance = std::max(std::abs(beyond), of.margin / 4);
  const double sure = beyond > 0 ? std::max(confidence, 1 - alpha / static_cast<double>(family)) : confidence;
  for (unsigned more = 1; more <= most_runs_to_ask_for; ++more) {
    const double grown = static_cast<double>(of.runs + more) / of.runs;
    welch_comparison then = of.test;
    then.standard_error /= std::sqrt(grown);
    then.degrees *= (of.runs + more - 1.0) / (of.runs - 1.0);
    if (then.half_width(sure) < distance) return fmt::format("about {} more run{}", more, more == 1 ? "" : "s");
  }
  return fmt::format("more than {} more runs", most_runs_to_ask_for);
}

void conclude(hypothesis& each, const tested& of, double alpha, std::size_t family, double confidence) {
  model::metric_comparison& to = each.comparison;
  const double d = of.test.difference;
  const double low = d - of.half;
  const double high = d + of.half;
  const bool beyond = low > of.margin || high < -of.margin;
  const double percent = to.margin * 100;
  if (*to.p_value < alpha && beyond) {
    to.verdict = (d < 0) == each.lower_is_better ? finding::better : finding::worse;
    to.why = fmt::format(
        "the interval lies beyond the margin of {:.0f} %, and the test holds after the correction for "
        "{} comparisons (p {})",
        percent, family, *to.p_value < 0.001 ? "< 0.001" : fmt::format("= {:.3f}", *to.p_value));
  } else if (low >= -of.margin && high <= of.margin) {
    to.verdict = finding::equivalent;
    to.why = fmt::format("the interval lies within the margin of {:.0f} %", percent);
  } else {
    to.verdict = finding::inconclusive;
    const char* what = beyond                ? "beyond the margin on its own, not after the correction for all"
                       : low > 0 || high < 0 ? "a difference, but it may be within the margin"
                                             : "the interval includes a ratio of 1";
    to.why = fmt::format("{}; needs {}", what, more_runs(of, family, alpha, confidence));
  }
}

}  // namespace

void judge_family(std::span<hypothesis> family, double alpha, double confidence) {
  std::vector<std::optional<tested>> tests;
  std::vector<double> p_values;
  for (hypothesis& each : family) {
    tests.push_back(test(each, confidence));
    p_values.push_back(tests.back() ? tests.back()->test.p_beyond(tests.back()->margin) : 1.0);
  }
  const std::vector<double> adjusted = model::holm(p_values);
  for (std::size_t i = 0; i < family.size(); ++i) {
    if (!tests[i]) {
      family[i].comparison.verdict = finding::not_estimable;
      family[i].comparison.why = family[i].cannot;
      continue;
    }
    family[i].comparison.p_value = adjusted[i];
    conclude(family[i], *tests[i], alpha, family.size(), confidence);
  }
}

}  // namespace assay::judge
