// What `assay watch` saw of one service: while it went on, and in the end.
//
// Misuse: comparing two watches. Nothing is known of the load that they were under; that is what campaigns are for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/model/connections.hpp"
#include "lab/model/database.hpp"
#include "lab/model/diagnosis.hpp"
#include "lab/model/runtime_look.hpp"
#include "lab/model/trial.hpp"

namespace assay::model {

// The last stretch of a watch that goes on.
struct watch_interval {
  process_second now = {};
  double cpu_cores = 0;       // used since the look before
  double cpu_wait_cores = 0;  // threads that were runnable without a core
  loop_lag lag = {};
  std::uint64_t blocking_calls = 0;  // since the beginning, of the threshold's length or more
};

struct watch_result {
  std::vector<std::string> command = {};  // empty: attached to a process that ran already
  std::uint32_t pid = 0;
  std::string runtime = {};  // "python", "node", "go", "jvm"; empty: none of these
  double length_s = 0;
  std::string ended = {};  // why: "it exited with status 0", "interrupted"
  bool failed = false;     // the command ended by itself and not well
  std::vector<process_second> processes = {};
  resource_limits limits = {};
  std::vector<connection_look> connections = {};
  std::vector<database_view> databases = {};     // that were asked for
  std::vector<runtime_look> runtime_looks = {};  // empty: no shim says anything
  loop_lag lag = {};
  std::vector<blocking_site> blocking = {};
  std::vector<trial_event> events = {};  // stalls, each with its cause where it was seen
  std::vector<std::string> notes = {};   // what could not be seen, and why
  double own_cpu_share = 0;              // of one core, of the observer
  diagnosis verdict = {};
};

}  // namespace assay::model
