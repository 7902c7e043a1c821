// What `assay watch` saw of one service: while it went on, and in the end.
//
// Misuse: comparing two watches. Nothing is known of the load that they were under; that is what campaigns are for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/connections.hpp"
#include "lab/model/database.hpp"
#include "lab/model/diagnosis.hpp"
#include "lab/model/estimate.hpp"
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

// How long one loop was away in long stretches, by what filled them. Seconds.
struct loop_stalls {
  double called_s = 0;    // calls that are known, pauses of a collector among them
  double computed_s = 0;  // on a CPU
  double starved_s = 0;   // ready, and without a CPU
  double waited_s = 0;    // asleep in what is not seen, or until memory was read from disk
  double unknown_s = 0;   // no call fills it, and what its thread used meanwhile was not seen
  double longest_ms = 0;  // of the stretches that no call fills half of

  double all_s() const { return called_s + computed_s + starved_s + waited_s + unknown_s; }
};

// An error that nobody handled, as a runtime's shim tells it: its text and where it came from.
struct unhandled_error {
  std::string text = {};
  std::uint64_t count = 0;
};

// What the preload library and its shims added to the service.
struct probe_share {
  estimate of_cpu = {};  // of the service's CPU time: the library's part; 0.01 is 1 %
  std::uint64_t waits = 0;
  std::uint64_t calls = 0;
  double stacks_of_cpu = 0;  // the same of the threads that look where a loop computes
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
  std::vector<unhandled_error> failures = {};
  std::vector<std::string> notes = {};    // what could not be seen, and why
  double own_cpu_share = 0;               // of one core, of the observer
  std::optional<probe_share> probe = {};  // none: it is not there, sees no loop, or could not be measured
  diagnosis verdict = {};
};

}  // namespace assay::model
