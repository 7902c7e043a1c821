// Which objectives of the plan were not kept, and where: a sentence each.
//
// An objective is of every steady phase. Bursts, faults and overload are there to hurt; what is kept beyond them is
// told by the comparison. A quantile that too few answers tell is not said to be kept.
//
// Misuse: reading nothing as kept where there are no complete runs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/model/plan.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

std::vector<std::string> broken_objectives(const model::plan& plan, std::span<const model::trial> trials);

}  // namespace assay::judge
