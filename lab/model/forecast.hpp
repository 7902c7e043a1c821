// What a plan will do before it is run: how long, how many requests, and which differences it will be able to see.
//
// Misuse: reading `differences` as measured. The spread between runs is an assumption until the runs are there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::model {

// With this standard deviation of the logarithm between runs, an interval of 95 % reaches so far around a ratio.
struct detectable_difference {
  double assumed_log_sd = 0;
  double alone = 0;   // one comparison: 0.12 is "12 %"
  double family = 0;  // when every comparison of the plan must hold together (Holm's first step)
  // The smallest true difference that is found four times of five: called worse, and not by mistake. The margin below
  // which differences do not matter is part of it.
  double found_alone = 0;
  double found_family = 0;
};

// What the rate of a phase does that is not even.
struct phase_course {
  std::string phase = {};
  std::size_t parts = 0;   // of its shape; 0: it has none
  double least_per_s = 0;  // of them
  double most_per_s = 0;
  std::map<int, double> dispersion =
      {};                  // expected of its counts, by scale in seconds; those that it is long enough for
  bool too_short = false;  // for any of its bursts to show
};

struct forecast {
  unsigned trials = 0;
  std::chrono::nanoseconds trial_length{};     // of the phases
  std::chrono::nanoseconds trial_overhead{};   // start, readiness, conformance, drain, reset: an allowance
  std::chrono::nanoseconds campaign_length{};  // all trials, overhead included; builds are not
  double trial_requests = 0;
  double campaign_requests = 0;
  std::vector<phase_course> courses;               // of the phases that have one
  std::vector<std::uint64_t> background_times;     // of a trial: of each background task, in the order of the plan
  unsigned comparisons = 0;                        // (candidates - 1) x phases that are judged
  double margin = 0;                               // differences below are of no interest, whatever the repeats
  std::vector<detectable_difference> differences;  // empty when a single run of each leaves nothing to estimate
};

}  // namespace assay::model
