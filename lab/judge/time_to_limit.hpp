// How long it takes what grows to reach a limit.
//
// Misuse: taking the interval for all that may happen. It is that of the rate as it was watched; other load, other
// rate.
#pragma once

#include <span>
#include <string_view>

#include "lab/model/diagnosis.hpp"
#include "lab/model/estimate.hpp"
#include "lab/model/resource_limits.hpp"

namespace assay::judge {

struct approached_limit {
  model::resource_limit to = {};
  model::estimate per_s = {};  // in the limit's unit
  double scale = 1;            // of the unit that it is told in
  std::string_view unit = {};  // " MB"
};

/// Of those that are known the one that is reached first: a clause at the end of the finding's text, and the numbers
/// `time_to_limit_h`, `time_to_limit_h_low` and `_high` (the rate's interval). Nothing where none is known.
void tell_time_to_limit(model::named_cause& of, std::span<const approached_limit> limits);

}  // namespace assay::judge
