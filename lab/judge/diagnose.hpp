// One named verdict on what was seen of a service from inside, and what to do next.
//
//   blocking_call       calls that blocked the loop take at least 1 % of the time, and a fifth of that in stalls where
//                       the loop was seen; garbage_collection is the same of the collector's pauses
//   cpu_bound           stalls of 50 ms or more that no blocking call fills take at least 1 % of the time, 0.2 s and a
//                       fifth of all stalls of their loop, and the CPU was used meanwhile; or the loop has no time left
//                       at all
//   waiting_for_cpu     runnable and without a core for a tenth of the time, and a fifth of what it could have run,
//                       for a millisecond or more each time
//   pool_exhausted      all connections to one peer wait for answers in most looks, while requests queue behind them
//   idle_in_transaction, lock_wait      database.hpp, where the database was looked into
//   accept_queue_full   sockets.hpp; when nothing else holds the loop up, then it is a remark
//   *_leak              growth.hpp, of anonymous memory, descriptors, sockets, threads, and of the runtime's tasks
//
// Misuse: seconds without load. An idle service is not healthy, it is unknown.
#pragma once

#include <span>

#include "lab/model/connections.hpp"
#include "lab/model/database.hpp"
#include "lab/model/diagnosis.hpp"
#include "lab/model/resource_limits.hpp"
#include "lab/model/runtime_look.hpp"
#include "lab/model/trial.hpp"
#include "lab/model/watch.hpp"

namespace assay::judge {

inline constexpr double diagnosis_least_s = 5;
inline constexpr double idle_share = 0.005;  // of one core, and of the loop: less is idle

// What was seen of a service over one stretch of load.
struct symptoms {
  double start_s = 0;  // what databases showed before, or after its end, does not count
  double length_s = 0;
  std::span<const model::process_second> processes = {};
  model::loop_lag lag = {};
  std::span<const model::loop_stalls> stalls = {};  // a loop each, of 50 ms or more; empty: only `lag` knows of them
  std::span<const model::blocking_site> blocking = {};
  std::span<const model::connection_look> connections = {};
  std::span<const model::database_view> databases = {};
  std::span<const model::runtime_look> runtime_looks = {};
  model::resource_limits limits = {};
};

[[nodiscard]] model::diagnosis diagnose(const symptoms& of);

// Of a campaign's trial: calls that block over all of its phases, everything else in its longest steady one: bursts and
// faults are meant to hurt. Pools are not judged, connections are not looked at there.
[[nodiscard]] model::diagnosis diagnose(const model::trial& of);

}  // namespace assay::judge
