// What the equal parts of a run, or of a stretch of it, say of its times: whether they are of one steady state
// (steady_state.hpp), and between which bounds their mean and quantiles lie (intervals.hpp).
//
// Misuse: a stretch whose load changes on purpose; it has no parts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "lab/load/intervals.hpp"
#include "lab/load/run_parts.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

// A stretch of even load: all of it, as planned, and how much there was of it. Which quantiles are asked for, and how
// many of its times can be independent of each other.
struct stretch {
  duration planned{};
  duration measured{};
  std::span<const double> asked = {};
  std::uint64_t bunches = each_its_own;
  duration even_from{};  // until then the load was less: left out, to whole parts
};

// Of a load that follows from the answers, as that of sessions does: why it was not even from then on, a sentence;
// nothing where it was. By how many times each part of all its requests has.
std::string why_not_even(const run_parts& parts, const stretch& length);

struct part_findings {
  model::response_intervals intervals = {};  // none where it drifts: no interval holds what comes after that
  std::optional<model::steadiness> steady = {};
};

// `all` holds what the parts hold together. Of a stretch that was cut short the last parts are empty.
part_findings findings_of(const observe::histogram& all, const run_parts& parts, const stretch& length);

// Into a run, a stage or a route.
template <class Of>
void conclude_from_parts(const run_parts& parts, const stretch& length, Of& of) {
  part_findings found = findings_of(of.latency.response_time, parts, length);
  of.intervals = std::move(found.intervals);
  of.steady = std::move(found.steady);
}

}  // namespace assay::load
