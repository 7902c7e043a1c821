// What the states of a service's connections show: clients that it does not accept, and connections that their peers
// have closed and it has not.
//
// Misuse: one look at a full queue. A burst fills it for a moment, and the next turn of the loop empties it.
#pragma once

#include <span>

#include "lab/model/connections.hpp"
#include "lab/model/diagnosis.hpp"

namespace assay::judge {

inline constexpr std::size_t full_least_looks = 3;
inline constexpr double full_share = 0.1;  // of the looks under load

/// A finding where there is none yet: what holds the loop up, or saturates it, fills the queue as well. Else a remark.
void add_full_accept_queue(model::diagnosis& to, std::span<const model::connection_look> looks);

/// Connections in CLOSE_WAIT that grow without end: the socket leak's own account when there is one among the findings,
/// else a socket leak of its own. Looks under load alone, as growth.hpp needs them.
void add_unclosed(model::diagnosis& to, std::span<const model::connection_look> looks);

}  // namespace assay::judge
