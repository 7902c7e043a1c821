// What a database that was looked into shows of the service: transactions that hold connections while nothing happens
// in them, and statements that wait for locks.
//
//   idle_in_transaction   a fifth of the connections, and at least half a one on average, belong to a transaction that
//   has
//                         been idle for 0.1 s; or one was idle for half a minute
//   lock_wait             a fifth of the connections that work, and at least half a one on average, wait for a lock
//
// When the holder of the lock is idle both are one finding: the first.
//
// Misuse: a service whose loop is held up. Its transactions are idle because it is.
#pragma once

#include <span>

#include "lab/model/database.hpp"
#include "lab/model/diagnosis.hpp"

namespace assay::judge {

inline constexpr std::size_t database_least_looks = 5;  // with a connection open
inline constexpr double held_share = 0.2;               // of the connections
inline constexpr double least_held = 0.5;               // connections, on average
inline constexpr double forgotten_s = 30;               // one transaction alone
inline constexpr double lock_wait_share = 0.2;          // of the connections that work
inline constexpr double least_lock_waits = 0.5;         // connections, on average
inline constexpr double full_server_share = 0.9;        // of max_connections, and it is told

// Of what was seen between the two times.
void add_database_findings(model::diagnosis& to, std::span<const model::database_view> databases, double from_s,
                           double until_s);

}  // namespace assay::judge
