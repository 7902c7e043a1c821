// Whether a run's response times are those of one steady state; lab/load/steady_state.hpp has the method.
//
// Misuse: taking "no drift" for a proof: a drift of less than a tenth over the run is not told.
#pragma once

#include <optional>

#include "lab/model/response_intervals.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::model {

struct steadiness {
  double from_s = 0;  // steady from then on, as far as is seen; 0: from the start
  double before = 1;  // the typical response time until then, over that afterwards
  // Of what is left, the typical response time at the end over that at its begin; absent where none is seen.
  std::optional<double> drift = {};
  // The response times of what was meant for from_s or later, to 1 %; absent where that is all of them.
  std::optional<observe::histogram> since = {};
  response_intervals intervals = {};  // of these; none where they drift
};

}  // namespace assay::model
