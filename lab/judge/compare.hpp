// From the runs of a campaign to what may be said about its candidates.
//
// Only complete runs enter; invalid and failed ones are counted with their reasons. The hypotheses are fixed by the
// plan before any result is looked at: every candidate but the reference, in every phase but warm-up,
//   - primary: response_p99_ms, or response_p90_ms where the planned number of requests does not support a p99
//     (margin 10 %); one family, 5 %;
//   - secondary: response_p50_ms (margin 5 %), goodput_rps (5 %), cpu_ms_per_request and rss_mib (10 %); one family, 1
//   %.
// Error shares, loop lag, utilisation, start-up and recovery are given with intervals and not compared: they may be
// zero, and lag is obtained in ways of different resolution.
//
// Misuse: comparing candidates other than with the reference by their ratios; and calling compare() again and again
// while runs come in, until a verdict appears: decide on the number of repeats first.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lab/judge/measure.hpp"
#include "lab/model/comparison.hpp"

namespace assay::judge {

inline constexpr double confidence = 0.95;

/// "Better" and "equivalent" are withheld from a candidate that fails so much more of the requests than the other.
inline constexpr double tolerated_more_errors = 0.01;

/// The metric that is judged in this phase, from the planned number of requests alone; empty: too few for any.
std::optional<std::string> primary_metric(const model::plan& plan, const model::phase& phase);

[[nodiscard]] model::comparison compare(const model::plan& plan, std::span<const run> runs);
/// Reduces each trial first. For many trials measure() them one at a time instead, as store::for_each gives them.
[[nodiscard]] model::comparison compare(const model::plan& plan, std::span<const model::trial> trials);

}  // namespace assay::judge
