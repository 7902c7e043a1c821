// From a profile and samples of its log straight to a plan, without a binding: what is safe to send again as it was,
// and nothing else. Bodies and credentials are in no log, so what changes data is left out aloud, not guessed.
//
// A path's values are those that the log shows. Whole numbers that fill their range are drawn from the range, as
// unequally as in the log where that can be estimated; all else is drawn from the sample, in which popular values
// repeat. Path and query are drawn apart: a pair may meet that never met in the log.
//
// Misuse: `unsafe` against a service whose data somebody needs.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/log_samples.hpp"
#include "lab/model/profile.hpp"
#include "lab/plan/binding.hpp"

namespace assay::plan {

// A slower log is sped up to this: twenty seconds of less tell no p99.
inline constexpr double least_steady_per_s = 20;
inline constexpr double smallest_share = 0.001;  // of the requests; rarer routes are not sent
inline constexpr double burst_factor = 5;

struct from_log_options {
  std::string name;      // of the plan
  std::string log_name;  // for the comments
  unsigned repeats = 3;
  std::optional<double> steady_per_s = {};              // in place of the log's median hour
  std::optional<std::chrono::nanoseconds> within = {};  // shorten phases until the campaign fits
  bool unsafe = false;                                  // POST, PUT, PATCH and DELETE too, with an empty body
};

// The first candidate is the reference. Each is ready when it answers a request that the log shows answered with 200.
// The error is one line: nothing in the log can be sent, or `within` is too short.
std::expected<bound_plan, std::string> plan_from_log(const model::profile& profile, const model::log_samples& samples,
                                                     std::vector<model::candidate> candidates,
                                                     const from_log_options& options);

}  // namespace assay::plan
