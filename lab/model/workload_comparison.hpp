// Whether two workloads differ, and where: the value that lab/learn hands to lab/report.
//
// Misuse: reading `inconclusive` as "the same".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/measure.hpp"

namespace assay::model {

enum class likeness : std::uint8_t { differs, inconclusive, same, not_compared };
std::string_view label(likeness found);

struct measure_comparison {
  measure_kind kind = measure_kind::rate;
  std::string of = {};
  std::optional<double> a, b;
  double change = 0;  // b less a of a share, b over a of all else; with its 95 % interval
  double low = 0;
  double high = 0;
  double margin = 0;                   // changes within it are of no interest: 0.02 of a share, 1.1 of a ratio
  std::optional<double> p_value = {};  // of "within the margin", by Holm over all that are compared
  likeness verdict = likeness::not_compared;
  std::string why = {};  // one sentence
};

// How far the ways through the routes lie apart: the total variation distance between the shares of the steps.
struct steps_comparison {
  double distance = 0;
  double low = 0;  // of what it is for all clients of their kinds, with what both profiles are off by
  double high = 0;
  double margin = 0;
  likeness verdict = likeness::inconclusive;
};

struct workload_side {
  std::string name = {};  // as given
  std::uint64_t requests = 0;
  std::chrono::sys_seconds first{};
  std::chrono::sys_seconds last{};
};

struct workload_comparison {
  workload_side a = {};
  workload_side b = {};
  double confidence = 0.95;
  std::vector<measure_comparison> measures = {};  // what differs first
  std::uint64_t too_small = 0;                    // routes and statuses that are too rare on both sides to matter
  std::optional<steps_comparison> steps = {};     // no part of the verdict: load is sent a request at a time

  std::uint64_t count(likeness of) const;
  // One difference is a difference; without one, nothing undecided is the same.
  likeness verdict() const;
};

}  // namespace assay::model
