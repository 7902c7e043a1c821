// A plan and its forecast as text, for `assay plan --check`.
//
// Misuse: parsing it. The plan file is the format.
#pragma once

#include <string>

#include "lab/model/forecast.hpp"
#include "lab/model/plan.hpp"

namespace assay::report {

std::string plan_text(const model::plan& plan, const model::forecast& forecast);

}  // namespace assay::report
