// A load that can be watched while it runs, whoever generates it: what the screen, the rows of seconds and the metrics
// are made from.
//
// Misuse: watching from a thread of the generator.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/recorder.hpp"
#include "lab/load/second_series.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/trial.hpp"

namespace assay::load {

struct live_view {
  duration elapsed{};  // zero before the start
  // Open model: arrivals that a connection has taken; sessions: steps that have come due; messages that have, in a
  // broadcast of them deliveries, as the following are.
  std::uint64_t offered = 0;
  double due = 0;     // open model: arrivals that are expected until now; sessions: as `offered`
  duration behind{};  // how long the next arrival has been waiting for a connection; sessions: for a place
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  std::vector<duration> cpu = {};                      // of each thread, since it began; zero when it has ended
  std::optional<model::load_second> last = {};         // the latest that is over; where seconds are kept
  std::optional<std::uint64_t> open_connections = {};  // of long ones, which are opened before the start
};

class live_source {
 public:
  live_source() = default;
  virtual ~live_source() = default;
  live_source(const live_source&) = delete;
  live_source& operator=(const live_source&) = delete;

  // For a progress display; from any thread. Neither takes a lock: whatever becomes of the one who looks, the
  // generators do not wait for it.
  virtual live_view look() const = 0;
  // Second `index` of the run, once all that was meant to be sent in it has ended; where seconds are kept.
  virtual std::optional<model::live_second> second(std::size_t index) const = 0;
  // True when a second was over and is not kept any more: who asks is more than latest_seconds behind the run.
  virtual bool is_gone(std::size_t index) const = 0;
  // How many seconds the whole run has; zero where none are kept.
  virtual std::size_t seconds() const = 0;
};

class live_run : public live_source {
 public:
  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  virtual std::expected<model::load_result, std::string> run() = 0;
  // Ends it early, keeping what was measured; from any thread, any number of times.
  virtual void stop() = 0;
};

// The CPU time of a generator's thread since it began; zero when it does not run.
duration cpu_of(const live_counters& thread);
// Second `index` of a run of that length, once it is over.
std::optional<model::live_second> told_second(const second_series& series, std::size_t index, duration length);

}  // namespace assay::load
