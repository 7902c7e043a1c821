// Whether clients go from route to route alike: the total variation distance between the shares of the steps, which is
// the part of the steps that would have to be others.
//
// With A and B as they were seen, and what they would be for all clients of their kinds, |distance - truth| is at most
// what both are off by (the triangle inequality); the profiles' `error` is the mean of that, and ends the interval.
//
// Misuse: profiles that folded their routes differently. Routes that one of them does not name are "other" in both.
#pragma once

#include <optional>

#include "lab/model/profile.hpp"
#include "lab/model/workload_comparison.hpp"

namespace assay::learn {

inline constexpr double steps_margin = 0.1;  // a tenth of the steps

// Empty when one of them does not know any steps.
std::optional<model::steps_comparison> compare_steps(const model::session_paths& a, const model::session_paths& b);

}  // namespace assay::learn
