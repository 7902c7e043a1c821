// The leaks among a service's process samples, as findings; what grew and is none, as remarks.
//
// Misuse: samples under changing load; see growth.hpp. Where only the beginning and the end had none, loaded_stretch()
// leaves those out.
#pragma once

#include <span>

#include "lab/model/diagnosis.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

/// From the first look to the last at which its threads were woken a tenth as often as in its busy moments; without the
/// very last, which shows the load's connections already closed.
std::span<const model::process_second> loaded_stretch(std::span<const model::process_second> processes);

void add_growth(model::diagnosis& to, std::span<const model::process_second> processes);

}  // namespace assay::judge
