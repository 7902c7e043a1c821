// Pools of connections that are too small: all of one peer's wait for answers, look after look, their number does not
// rise, and requests queue that wait for nobody outside.
//
// Misuse: a service whose loop is held up. There everything waits, and not for a connection.
#pragma once

#include <span>
#include <vector>

#include "lab/model/connections.hpp"
#include "lab/model/diagnosis.hpp"

namespace assay::judge {

void add_exhausted_pools(std::vector<model::named_cause>& to, std::span<const model::connection_look> looks);

}  // namespace assay::judge
