// Whether the number of connections was what kept a run from its objectives, and not the service.
//
// In the open model a request that is due while every connection is busy waits for one, and its response time with it.
// If the service had kept its objectives of the requests that it had been sent (by their service times), more
// connections may keep them of all.
//
// Misuse: taking it for proof. A service that takes one request at a time only queues more of them itself; the next
// run, with more connections, tells.
#pragma once

#include <vector>

#include "lab/load/gate.hpp"

namespace assay::load {

bool bound_by_connections(const std::vector<gate>& gates, const model::load_result& seen);

}  // namespace assay::load
