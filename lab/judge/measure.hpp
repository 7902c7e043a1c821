// One trial reduced to the numbers that are compared: a value a metric and phase, or the reason why there is none.
//
// A quantile q of n requests is given only when n (1 - q) is at least 10: ten requests beyond it. Warm-up is not
// measured.
//
// Misuse: filling in a missing value with zero; what could not be estimated stays out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/diagnosis.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

/// Requests beyond a quantile that make it estimable.
inline constexpr double requests_beyond_quantile = 10;

/// The process samples may begin or end so much inside of a phase that CPU time is still counted.
inline constexpr double sample_slack_s = 1.5;

struct metric_values {
  std::map<std::string, double> values;        // by metric
  std::map<std::string, std::string> why_not;  // by metric, when it has no value
};

struct phase_run {
  std::string phase;
  double offered_rps = 0;
  std::uint64_t offered = 0;
  metric_values metrics;
};

struct run {
  std::string candidate;
  unsigned repeat = 0;
  model::trial_state state = model::trial_state::complete;
  std::vector<std::string> reasons;
  std::vector<phase_run> phases;  // without warm-up
  metric_values whole;            // start_up_s, recovery_s
  bool had_fault = false;
  std::vector<model::blocking_site> blocking;
  double loaded_s = 0;              // of all phases, warm-up included
  std::optional<double> stalled_s;  // in busy stretches near the stall threshold and above; absent: no loop was seen
  model::diagnosis diagnosed;

  const phase_run* find(const std::string& phase) const;
};

run measure(const model::trial& trial, const model::plan& plan);

}  // namespace assay::judge
