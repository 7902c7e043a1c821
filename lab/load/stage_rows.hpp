// The stages of a run as its result lists them, before anything that was measured is in them.
//
// Misuse: none.
#pragma once

#include <vector>

#include "lab/load/rate_curve.hpp"
#include "lab/model/load_result.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// Those that began, of several in a run that sent for `measured`; none of a single one, which is the run. With their
// shape, their place in the run, and what was planned.
std::vector<model::load_stage> begun_stages(const std::vector<stage>& stages, duration measured);

}  // namespace assay::load
