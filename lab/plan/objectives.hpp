// Objectives as a plan has them, and those that a log suggests.
//
//   p99<100ms                  a quantile of the response times
//   p99[GET /items/{id}]<80ms  of one route, by its name in the workload
//   errors<0.1%                requests without an expected answer, of all that were due
//
// Misuse: taking a proposal for what users need. It says what the service has kept so far, rounded up; what it is to
// keep is its owner's to say.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/plan.hpp"
#include "lab/model/profile.hpp"

namespace assay::plan {

// The error says what was expected.
std::expected<model::objective, std::string> parse_objective(std::string_view text);

struct proposed_objective {
  std::string text;
  std::string why;  // one line
};

// From the statuses, and from the durations where the log has any.
struct proposals {
  std::vector<proposed_objective> each;
  std::vector<std::string> remarks;  // what could not be proposed, and why
};
proposals propose_objectives(const model::profile& profile, const std::vector<model::bound_route>& workload);

}  // namespace assay::plan
