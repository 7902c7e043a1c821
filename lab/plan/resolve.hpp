// From what the file says to what will be run: "10x" becomes a rate, a descriptor's path becomes a candidate.
//
// Misuse: using the result before checks.hpp has seen it.
#pragma once

#include "lab/plan/drafts.hpp"

namespace assay::plan {

// An error goes into `in`; the value is then not to be used. `phases` and the root's `candidates` are the lists that
// the drafts were read from. `baseline_per_s` is what 1x means; nothing: the first steady phase's rate.
model::plan resolve(reader& in, const yaml_node& root, const yaml_node& phases, plan_draft draft,
                    std::optional<double> baseline_per_s = std::nullopt);

}  // namespace assay::plan
