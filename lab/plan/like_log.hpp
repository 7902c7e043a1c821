// A phase that is to look like the log: its shape and its bursts, as the profile has them, written out.
//
// Misuse: a log of another make than the one that is meant. A profile of a test's log has the test's bursts.
#pragma once

#include <expected>
#include <string>

#include "lab/model/profile.hpp"
#include "lab/plan/drafts.hpp"

namespace assay::plan {

// Whether the profile knows so much.
bool can_be_like(likeness to, const model::arrivals& seen);

// Fills in shape and bursts of a phase whose `like_log` says so, and says in a sentence what they are. The error, which
// continues "phases[1]", says what the profile lacks.
std::expected<std::string, std::string> be_like_log(phase_draft& phase, const model::arrivals& seen);

}  // namespace assay::plan
