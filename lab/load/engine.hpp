// Runs a load plan on as many threads as it asks for and merges what they measured.
//
// Misuse: two runs at the same time in one process; they would measure each other.
#pragma once

#include <atomic>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/options.hpp"
#include "lab/load/recorder.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/trial.hpp"

namespace assay::load {

struct live_view {
  duration elapsed{};         // zero before the start
  std::uint64_t offered = 0;  // open model: arrivals that a connection has taken
  double due = 0;             // open model: arrivals that are expected until now
  duration behind{};          // open model: how long the next arrival has been waiting for a connection
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  std::vector<duration> cpu = {};               // of each thread, since it began; zero when it has ended
  std::optional<model::load_second> last = {};  // the latest that is over; where seconds are kept
};

class load_engine {
 public:
  explicit load_engine(load_plan plan);
  ~load_engine();
  load_engine(const load_engine&) = delete;
  load_engine& operator=(const load_engine&) = delete;

  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<model::load_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop();
  // For a progress display; from any thread. Neither takes a lock: whatever becomes of the one who looks, the
  // generators do not wait for it.
  live_view look() const;
  // Second `index` of the run, once all that was meant to be sent in it has ended; where seconds are kept.
  std::optional<model::live_second> second(std::size_t index) const;
  // How many seconds are kept: those of the whole run, or none.
  std::size_t seconds() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::load
