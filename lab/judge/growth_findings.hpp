// The leaks among what was seen of a service's processes and of its runtime, as findings; what grew and is none, as
// remarks. One leak is one finding:
//
//   sockets are descriptors; tasks and threads that grow as those do have one each, and are told with them; memory
//   that tasks or threads may hold, up to a megabyte each, is told with those.
//
// Misuse: samples under changing load; see growth.hpp. Where only the beginning and the end had none, loaded_stretch()
// leaves those out.
#pragma once

#include <span>

#include "lab/model/diagnosis.hpp"
#include "lab/model/resource_limits.hpp"
#include "lab/model/runtime_look.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

inline constexpr double most_bytes_of_a_task = 1 << 20;  // that grow: more is not held by tasks or threads alone

struct growth_view {
  std::span<const model::process_second> processes = {};    // under load
  std::span<const model::runtime_look> runtime_looks = {};  // those at the time of the others are judged
  model::resource_limits limits = {};
};

/// From the first look to the last at which its threads were woken a tenth as often as in its busy moments; without the
/// very last, which shows the load's connections already closed.
std::span<const model::process_second> loaded_stretch(std::span<const model::process_second> processes);

void add_growth(model::diagnosis& to, const growth_view& of);

}  // namespace assay::judge
