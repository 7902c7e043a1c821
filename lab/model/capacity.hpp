// What a capacity search found, every run that it rests on, and what becomes of the service beyond.
//
// Misuse: comparing two services by the middles. The intervals say whether they differ; the judge says it over
// restarts of the services, which one search does not have.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::model {

enum class capacity_outcome : std::uint8_t {
  found,        // the interval is as narrow as asked
  wide,         // the runs were used up, or the search was ended, before it was
  below_least,  // not even the least rate was kept
  above_most,   // every rate was kept that was tried
};

std::string_view label(capacity_outcome outcome);

struct capacity_estimate {
  capacity_outcome outcome = capacity_outcome::wide;
  double rps = 0;  // the middle; of below_least and above_most the bound
  double low_rps = 0;
  double high_rps = 0;  // infinite when everything was kept
  double spread = 0;    // by what share the capacity differs from run to run, as far as the runs tell
  std::size_t runs = 0;
};

struct capacity_run {
  double rate_rps = 0;
  bool valid = false;  // else it says nothing about the service
  bool kept = false;
  double achieved_rps = 0;
  double goodput_rps = 0;  // answers that were no errors
  double in_slo_rps = 0;   // of these, within capacity_result::time_objective_ns of the intended instant
  std::optional<double> p50_ns = {};
  std::optional<double> p99_ns = {};
  std::optional<time_interval> p50_within = {};  // of one run that went on for ever; absent where it cannot be told
  std::optional<time_interval> p99_within = {};
  double error_share = 0;
  std::vector<gate_outcome> gates = {};
  std::vector<std::string> reasons = {};  // why not valid
};

// What is left of the goodput (capacity_run::in_slo_rps) when more is offered than the capacity.
enum class overload_outcome : std::uint8_t {
  unknown,    // nothing valid was measured beyond the capacity
  holds,      // as good as all of it: what is too much is refused or left waiting
  falls,      // part of it
  collapses,  // less than half of it: nearly everybody is served too late, or not at all
};

std::string_view label(overload_outcome outcome);

struct overload {
  overload_outcome outcome = overload_outcome::unknown;
  double rate_rps = 0;        // offered in the worst run beyond the capacity, as the following
  double in_slo_share = 0;    // its answers within the objectives, over the capacity
  double answered_share = 0;  // its answers that were no errors, late ones included, over the capacity
};

// After how long a service that was overloaded is back within its objectives, under a load that it can bear.
struct capacity_recovery {
  double overload_rps = 0;
  double overload_s = 0;
  double at_rps = 0;     // offered afterwards
  double watched_s = 0;  // afterwards
  double backlog_s = 0;  // so long takes what was left waiting, of a service that keeps its capacity
  // Counted from the end of the overload, it was back between these two; absent when it was not seen to come back.
  std::optional<double> back_from_s = {};
  std::optional<double> back_until_s = {};
  std::string why_not = {};  // when absent
};

struct capacity_result {
  std::string url;
  std::string objectives;  // as typed
  double confidence = 0;
  double run_length_s = 0;
  unsigned connections = 0;           // at the end
  bool bound_by_connections = false;  // more of them may give more, and there may be no more
  bool interrupted = false;
  std::optional<double> generator_limit_rps;  // above it this machine's runs were INVALID
  capacity_estimate estimate;
  std::vector<capacity_run> runs;  // in the order in which they were made
  // Of a capacity that was found, unless it was not asked for.
  double time_objective_ns = 0;     // an answer up to it is within the objectives
  std::vector<capacity_run> curve;  // runs from below the capacity to far beyond it, by rate
  std::string curve_remark;         // why there is no more of it
  overload beyond;
  std::optional<capacity_recovery> recovery;
};

}  // namespace assay::model
