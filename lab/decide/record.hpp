// The decision record of a campaign: one page of Markdown with the headings of MADR (github.com/adr/madr), every
// quantitative claim pointing to a row of its evidence table.
//
// It proposes; people decide. It says what the evidence rules out and what it shows against the reference, writes
// "inconclusive" where it is so, and never names a winner from point estimates.
//
// Misuse: changing a record after it was accepted; write a new one that supersedes it.
#pragma once

#include <string>

#include "lab/model/comparison.hpp"
#include "lab/model/plan.hpp"

namespace assay::decide {

std::string decision_record(const model::comparison& judged, const model::plan& plan);

}  // namespace assay::decide
