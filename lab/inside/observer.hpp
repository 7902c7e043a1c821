// Watches a candidate from beside it while a trial runs: its processes by /proc, its loops and blocking calls by the
// preload library's files, the loops that the library cannot see by sampling their system calls.
//
//   observer watching({.root_pids = …, .probe_directory = …});
//   watching.start(t0); … auto seen = watching.finish(phases);
//
// Misuse: finishing after the candidate has been stopped and taking its shutdown for load: give the phases' windows,
// nothing outside of them counts. And starting it on the candidate's core.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/inside/lag_estimate.hpp"
#include "lab/inside/loop_work.hpp"
#include "lab/model/connections.hpp"
#include "lab/model/runtime_look.hpp"
#include "lab/model/trial.hpp"
#include "lab/model/watch.hpp"
#include "stack/runtime/time.hpp"

namespace assay::inside {

struct observer_options {
  std::function<std::vector<std::uint32_t>()> root_pids;  // called on the observer's thread; their children are found
  std::string probe_directory;                            // absolute, exists, this candidate's alone
  std::map<std::uint16_t, std::string> port_names;        // 40123 → "third-party"
  std::string runtime;                                    // the descriptor's; "auto": by the programs that run
  bool attached = false;                                  // it ran before, without the library
  bool connections = false;                               // looked at beside the processes
  double blocking_threshold_ms = 25;                      // shorter calls are no finding
  double stall_threshold_ms = 50;                         // shorter segments are no event
  duration process_interval = std::chrono::seconds(1);
  duration probe_interval = std::chrono::milliseconds(200);
};

struct phase_window {
  std::string name;
  instant begin;
  instant end;
};

struct observation {
  std::vector<model::process_second> processes;
  model::resource_limits limits;
  std::vector<model::connection_look> connections;
  std::vector<model::runtime_look> runtime_looks;
  std::vector<model::loop_lag> lag;     // a phase each, in order
  std::vector<busy_segments> segments;  // of the loop that it tells of: for other quantiles
  std::vector<model::blocking_site> blocking;
  std::vector<model::loop_stalls> stalls;  // of all phases, a loop each
  std::vector<model::trial_event> events;  // stalls, each with its cause where it was seen
  std::vector<model::unhandled_error> failures;
  std::vector<std::string> notes;  // what could not be seen, and why
  double own_cpu_share = 0;        // of one core, of the observer itself
  double shim_cpu_s = 0;           // of the shims' own threads in the candidate
  loop_work work;                  // of all loops that the preload library saw, since they began
  std::string runtime;             // as given, or as found out
};

class observer {
 public:
  static constexpr std::size_t most_seconds = 100'000;  // looks that are kept; then every second of them
  static constexpr std::size_t most_files = 512;        // probe files open at once

  explicit observer(observer_options options);
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  ~observer();

  // t0: the first phase's start, which at_s counts from. May lie ahead.
  std::expected<void, std::string> start(instant t0);
  // The last stretch, of this length, while it runs; from any thread. Nothing before the second look.
  std::optional<model::watch_interval> glance(duration back);
  // Takes a last look, ends the thread, and cuts out the phases.
  std::expected<observation, std::string> finish(const std::vector<phase_window>& phases);
  // Ends without a result; also done by the destructor.
  void stop();

  // The clock of t0 and of the windows: CLOCK_MONOTONIC, as the loops of real I/O have it.
  static instant now();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::inside
