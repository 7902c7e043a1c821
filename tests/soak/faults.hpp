// What goes wrong around the soaked service: connections to its databases end, those of its pools and those on which it
// listens.
//
// Misuse: beside other users of the databases; theirs end as well.
#pragma once

#include <atomic>
#include <string>

#include "stack/runtime/task.hpp"

namespace assay::soak {

// Every now and then, until it is `over`.
task<void> kill_connections(std::string postgres, std::string redis, const std::atomic<bool>* over);

}  // namespace assay::soak
