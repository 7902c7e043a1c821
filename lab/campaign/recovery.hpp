// How long a candidate took to be itself again after a fault had ended.
//
// Its level is what it was in the steady phase: it has recovered from the first second on in which, and in the two
// seconds after which, the response time's p99 is at most three times the median of the steady seconds' p99 (at
// least 20 ms above it, so that a fast candidate is not held to noise) and no request failed that did not fail before.
// Seconds belong to requests by their intended instant: a backlog that is still being served counts as not recovered.
//
// Misuse: reading nothing as zero. No value means that it did not recover while it was watched.
#pragma once

#include <optional>
#include <vector>

#include "lab/model/trial.hpp"

namespace assay::campaign {

inline constexpr double recovery_factor = 3;
inline constexpr double recovery_slack_ms = 20;
inline constexpr int recovery_seconds = 3;  // in a row

// Seconds from the end of the last fault phase; nothing when there was no fault, no steady phase, or no recovery
// before the series ends.
std::optional<double> recovery_time(const std::vector<model::phase_measurement>& phases,
                                    const std::vector<model::load_second>& seconds);

}  // namespace assay::campaign
