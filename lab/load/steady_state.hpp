// Finds from when on a run was in a steady state, and whether it drifted: a service that is cold answers otherwise than
// it will, and one whose queue or memory grows otherwise than it did. Percentiles over both are of neither.
//
// Of the equal parts of a run (run_parts.hpp) the median and the p90, as logarithms. The begin that is left out is the
// one that makes the mean of the rest known best: MSER (K. P. White, Simulation 69, 1997), at most half of the run. It
// is told when it differs from the rest by more than a tenth and by five standard errors: it was chosen for being
// different. The drift of the rest is the Theil-Sen slope, told when it comes to more than a tenth and Mann and
// Kendall's test, with the variance that parts which are alike have (K. H. Hamed and A. R. Rao, Journal of Hydrology
// 204, 1998, to the first lag), gives less than one in ten thousand to chance: the likeness is itself an estimate, and
// a low one.
//
// Misuse: a run whose load changes: it is not meant to be steady.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lab/model/steadiness.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::load {

inline constexpr std::size_t least_steady_parts = 16;  // fewer do not tell
inline constexpr std::uint64_t least_in_a_part = 20;   // nor do parts of fewer response times

// Nothing when it cannot be told.
std::optional<model::steadiness> steadiness_of(std::span<const observe::histogram> parts, double part_s);

// The same of one series of logarithms, a value each part.
model::steadiness steadiness_of_series(const std::vector<double>& logs, double part_s);

}  // namespace assay::load
