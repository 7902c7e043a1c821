// The rule that turns two sets of runs into a verdict.
//
// With d the difference of the mean logarithms (candidate less reference) and m = ln(1 + margin):
//
//   better, worse   Holm's adjusted p of "|d| <= m in truth" is below the family's alpha, and the 95 % interval of d
//                   lies wholly beyond the margin
//   equivalent      the 95 % interval lies wholly within the margin
//   inconclusive    else, with about how many more runs would decide
//
// Why this null hypothesis and not "d = 0": a true difference too small to be of interest would be called better or
// worse ever more often as runs are added. Tested against the margin, the chance of any false word in the family stays
// below alpha for every true difference within it. The margin is the same on the logarithmic scale either way, so that
// exchanging candidate and reference exchanges better and worse and nothing else.
//
// Misuse: reading `inconclusive` as "no difference".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/judge/statistics.hpp"
#include "lab/model/comparison.hpp"

namespace assay::judge {

/// One predeclared metric a phase and candidate; the main verdicts.
inline constexpr double primary_alpha = 0.05;
/// All other verdicts together: so strict that the campaign as a whole has few false words beyond the primary ones.
inline constexpr double secondary_alpha = 0.01;
/// Relative; the histogram's buckets are that wide, so runs that seem equal may differ by it.
inline constexpr double least_log_deviation = 0.001;
/// Beyond it "about n more runs" is no advice.
inline constexpr unsigned most_runs_to_ask_for = 100;

struct hypothesis {
  model::metric_comparison comparison;
  bool lower_is_better = true;
  std::vector<double> candidate_runs;  // > 0
  std::vector<double> reference_runs;
  std::string cannot;  // not empty: no test is possible, and why
};

/// Fills in ratio, p value, verdict and why of every hypothesis of one family. One that cannot be tested counts in the
/// family with p = 1: what was predeclared does not shrink because data are missing.
void judge_family(std::span<hypothesis> family, double alpha, double confidence);

}  // namespace assay::judge
