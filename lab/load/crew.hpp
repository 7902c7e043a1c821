// The threads of one run: a loop and a generator each, one start for all.
//
// Misuse: two runs at the same time in one process, which would measure each other; run() twice on one crew.
#pragma once

#include <atomic>
#include <barrier>
#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/generator.hpp"
#include "lab/load/measurements.hpp"
#include "lab/load/sending_cost.hpp"
#include "lab/load/workload.hpp"

namespace assay::load {

// What one thread has measured, of the candidate and of itself.
struct thread_outcome {
  unsigned thread = 0;
  measurements measured;
  thread_cost sending{};
  duration cpu{};  // the drain's too
  std::uint64_t due = 0;
  instant ended{};
  std::string backend;
};

class crew {
 public:
  // `work` outlives the crew. `on_start` is told the start of the run once every connection is open, a moment before
  // the first arrival, on one of the threads: it must return at once and not throw.
  explicit crew(const workload& work, std::function<void(instant)> on_start = nullptr);

  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<std::vector<thread_outcome>, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop();

  bool stopped() const { return stopping_; }
  // The start, once it is set.
  std::optional<instant> start() const;
  // How long the next arrival has been waiting for a connection; zero in the closed model and when none is left.
  duration behind() const;
  const std::vector<live_counters>& live() const { return live_; }
  const second_series& series() const { return series_; }
  const run_windows& windows() const { return windows_; }

 private:
  struct at_start {
    crew* self;
    void operator()() noexcept { self->set_start(); }
  };

  void wait_for_the_clock();
  void set_start() noexcept;
  void run_thread(unsigned index, const socket_address& address);
  void measure(loop& on, unsigned index, const socket_address& address);
  void run_load(loop& on, unsigned index, generator& load);
  void fail(const std::string& why);

  const workload& work_;
  std::function<void(instant)> on_start_;
  std::vector<live_counters> live_;
  second_series series_;
  run_windows windows_;
  std::barrier<at_start> all_connected_;
  instant start_at_ = instant::min();  // not earlier
  instant start_{};
  std::atomic<bool> failed_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<std::int64_t> started_ns_{0};
  std::condition_variable stop_asked_;
  std::mutex mutex_;  // guards the following
  std::string failure_;
  std::vector<std::pair<loop*, generator*>> running_;
  std::vector<thread_outcome> outcomes_;
};

// What the threads know about themselves. Lag and Little's residual are the recorders' (recorder::write_to).
model::generator_health health_of(const std::vector<thread_outcome>& threads, std::uint64_t answers);

}  // namespace assay::load
