// Runs the workload of a plan against one candidate: several routes, the phases one after the other in one go.
//
//   auto work = bind_workload({.address = "127.0.0.1:8080", .routes = plan.workload, .phases = plan.phases});
//   workload_engine engine(std::move(*work), plan.phases, [&](instant start) { faults.schedule(start); });
//   auto measured = engine.run();   // from another thread: look(), stop()
//
// Arrivals keep their intended time whatever the candidate does: what a burst leaves behind is charged to the requests
// that meet it, in the phase and second they were meant for.
//
// Misuse: two runs at the same time in one process; they would measure each other.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/workload.hpp"
#include "lab/load/write_log.hpp"
#include "lab/model/trial.hpp"

namespace assay::load {

struct workload_result {
  bool valid = false;
  std::vector<std::string> reasons;  // why not, those of the phases with their names

  std::vector<model::phase_measurement> phases;  // those that began; the last is shorter when interrupted
  std::vector<model::load_second> seconds;       // without the one that an interruption cut
  write_keys writes;
  model::generator_health generator;

  instant start{};    // CLOCK_MONOTONIC
  duration length{};  // of sending
  bool interrupted = false;
  std::uint64_t connects = 0;
  std::uint64_t resent = 0;
  std::uint64_t bytes_received = 0;
  std::string io_backend;
};

struct workload_view {
  duration elapsed{};         // zero before the start
  std::size_t phase = 0;      // index; that of the last one while it drains
  std::uint64_t offered = 0;  // arrivals that a connection has taken
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  duration behind{};                       // how long the next arrival has been waiting for a connection
  std::optional<model::load_second> last;  // the latest second whose requests have all ended
};

class workload_engine {
 public:
  // `phases` are those the workload was bound with. `on_start` is told when the first arrival is meant, about 10 ms
  // before, on a thread of the generator: it must return at once and not throw.
  workload_engine(workload work, std::vector<model::phase> phases,
                  std::function<void(instant start)> on_start = nullptr);
  ~workload_engine();
  workload_engine(const workload_engine&) = delete;
  workload_engine& operator=(const workload_engine&) = delete;

  // Blocks until the last phase has ended and drained. The error is one line: the candidate cannot be reached at all.
  std::expected<workload_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop();
  // For a progress display; from any thread.
  workload_view look() const;
  // From the start of the run to that of phase `index`; known beforehand.
  duration phase_offset(std::size_t index) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::load
