// Whether two workloads differ, and where: last week against this week, a test against production.
//
// The null hypothesis of each measure is that it changed by no more than a margin, not that it did not change: a log is
// long enough to show the least difference. With d the change and m the margin, both on the measure's scale:
//
//   differs       Holm's adjusted p of "|d| <= m in truth" is below 5 % (Welch's test against the margin)
//   same          the 95 % interval of d lies within the margin
//   inconclusive  else
//
// so that the chance of any false "differs" among all measures is at most 5 %. Routes that one log folded and the other
// did not (/items/17 and /items/{id}) are compared as the folded one.
//
// Misuse: two logs of different parts of the day. They differ, and it says so.
#pragma once

#include <expected>
#include <string>

#include "lab/model/profile.hpp"
#include "lab/model/workload_comparison.hpp"

namespace assay::learn {

inline constexpr double compare_alpha = 0.05;
inline constexpr double compare_confidence = 0.95;

// What is too small to matter: points of a share, or a ratio either way.
double margin_of(model::measure_kind kind);

// The names are for people. The error: a profile without measures.
std::expected<model::workload_comparison, std::string> compare_workloads(const model::profile& a,
                                                                         const std::string& name_of_a,
                                                                         const model::profile& b,
                                                                         const std::string& name_of_b);

}  // namespace assay::learn
