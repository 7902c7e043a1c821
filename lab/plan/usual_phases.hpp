// The phases of a plan where the binding has none of its own, and the rates of the log that they are made of.
//
// Misuse: none; every phase says in its note where its rate and its shape come from.
#pragma once

#include <string>
#include <vector>

#include "lab/model/profile.hpp"
#include "lab/plan/drafts.hpp"

namespace assay::plan {

// Requests a second. All but the log's own are scaled: 1x is the binding's baseline.
struct log_rates {
  double log_baseline = 0;  // of the profile
  double baseline = 0;
  double peak = 0;          // the busiest hour
  double mean = 0;          // of the whole log
  double worst_minute = 0;  // its mean
  double full_load = 0;     // what the overload is of: the binding's capacity, else the peak
  double scale = 1;
};

log_rates rates_of(const model::profile& profile, const binding_draft& binding);

struct usual_phase {
  phase_draft draft;
  std::string why;
};

std::vector<usual_phase> usual_phases(const log_rates& known, const model::arrivals& seen,
                                      const binding_draft& binding);

}  // namespace assay::plan
