// What a reader must know before the numbers: runs that did not end well, load that was not met, runs unlike their
// siblings.
//
// Misuse: dropping a run because it is listed here. Nothing is left out for being unlike; it is said.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/judge/measure.hpp"

namespace assay::judge {

/// Less good answers than this share of the offered load is overload: a result, and said aloud.
inline constexpr double met_share_of_load = 0.95;
/// A run is unlike its siblings when it differs from their median by more than this factor.
inline constexpr double unlike_factor = 2;

std::vector<std::string> anomalies_of(const model::plan& plan, std::span<const run> runs);

}  // namespace assay::judge
