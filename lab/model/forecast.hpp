// What a plan will do before it is run: how long, how many requests, and which differences it will be able to see.
//
// Misuse: reading `differences` as measured. The spread between runs is an assumption until the runs are there.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace assay::model {

// With this standard deviation of the logarithm between runs, an interval of 95 % reaches so far around a ratio.
struct detectable_difference {
  double assumed_log_sd = 0;
  double alone = 0;   // one comparison: 0.12 is "12 %"
  double family = 0;  // when every comparison of the plan must hold together (Holm's first step)
};

struct forecast {
  unsigned trials = 0;
  std::chrono::nanoseconds trial_length{};     // of the phases
  std::chrono::nanoseconds trial_overhead{};   // start, readiness, conformance, drain, reset: an allowance
  std::chrono::nanoseconds campaign_length{};  // all trials, overhead included; builds are not
  double trial_requests = 0;
  double campaign_requests = 0;
  unsigned comparisons = 0;                        // (candidates - 1) x phases that are judged
  std::vector<detectable_difference> differences;  // empty when a single run of each leaves nothing to estimate
};

}  // namespace assay::model
