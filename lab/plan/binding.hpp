// From a profile to a plan. A log carries no bodies, no credentials and often no true ids: a binding says per route
// where they come from, and what is neither bound nor left out on purpose is refused aloud, never sent as a guess.
//
// Misuse: widening `smallest_share` until the refusal is gone. The notices say how much of the traffic is not sent.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/plan.hpp"
#include "lab/model/profile.hpp"
#include "lab/plan/write.hpp"

namespace assay::plan {

struct bind_options {
  bool full = false;                               // rates and lengths of the full-length process
  std::optional<std::chrono::nanoseconds> within;  // shorten phases until the campaign fits
  std::string profile_name;                        // for the comments
};

struct bound_plan {
  model::plan plan;
  plan_notes notes;                  // why it is as it is
  std::vector<std::string> notices;  // what is not sent, and its share
};

// The error of a binding file is one line; of unbound routes it is many, with stanzas to paste.
std::expected<bound_plan, std::string> bind_profile(const model::profile& profile, const std::string& binding_path,
                                                    const bind_options& options);

}  // namespace assay::plan
