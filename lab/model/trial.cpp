#include "lab/model/trial.hpp"

#include <algorithm>

namespace assay::model {

const phase_measurement* trial::find_phase(const std::string& wanted) const {
  const auto found = std::ranges::find(phases, wanted, &phase_measurement::name);
  return found == phases.end() ? nullptr : &*found;
}

std::string_view label(lag_quality quality) {
  switch (quality) {
    case lag_quality::none:
      return "none";
    case lag_quality::sampled:
      return "sampled";
    case lag_quality::traced:
      return "traced";
  }
  return "none";
}

std::string_view label(trial_state state) {
  switch (state) {
    case trial_state::complete:
      return "complete";
    case trial_state::invalid:
      return "invalid";
    case trial_state::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace assay::model
