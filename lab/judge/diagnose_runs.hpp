// One verdict over the complete runs of a candidate, as a doctor who has seen it several times.
//
// A cause is the candidate's when at least half of the runs in which enough was seen show it, as with freezes: once may
// be the host. Several such causes are `mixed`, and so are runs that do not agree; what fewer show is a remark.
//
// Misuse: taking `healthy` for a comparison. Two healthy candidates may be far apart, and neither need be fast enough.
#pragma once

#include <span>

#include "lab/judge/measure.hpp"
#include "lab/model/diagnosis.hpp"

namespace assay::judge {

[[nodiscard]] model::candidate_diagnosis diagnose_runs(std::span<const run* const> complete);

}  // namespace assay::judge
