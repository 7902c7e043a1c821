// One thread that watches every loop of the process: how long what is ready has to wait, and who is to blame.
//
//   observe::json_log log(STDERR_FILENO);
//   observe::registry metrics;
//   observe::watchdog dog({}, {.log = &log, .metrics = &metrics});   // before the loops; that is all
//   return http::serve(make_handler, {});
//
// A loop that works on one thing for 25 ms is stalled: one line says for how long, where the task was spawned that
// runs, for which request, and with which call stack. A loop that waits in the kernel is idle, not stalled. A stall of
// unready_after makes ready() false, and tells on_readiness, until the loop has been well for a while.
//
// It is woken by a loop that has begun no turn for a while (stack/runtime/loop_alarm.hpp), and by each that begins to
// run: a loop that turns lets it sleep, and every stall is met that lasts until the thread has woken. Where many loops
// turn so seldom that their wakes are more than looking every report_after would take, it does that.
//
// The lag that it records is sampled, once a period: how long the loop has been busy at that moment. By symmetry that
// is distributed as how long somebody who comes at that moment would wait (docs/decisions/0007-inside-view.md), and it
// costs the loop no clock.
//
// Misuse: on_stall or on_readiness that wait. They run on the watchdog's thread, which then sees nothing.
#pragma once

#include <atomic>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "stack/observe/log.hpp"
#include "stack/observe/loop_watch.hpp"
#include "stack/observe/metrics.hpp"
#include "stack/observe/stack_capture.hpp"
#include "stack/observe/stall_detector.hpp"
#include "stack/observe/symbols.hpp"
#include "stack/runtime/pulse.hpp"

namespace assay::observe {

struct watchdog_options {
  // From one sample of the lag to the next. It may take so long until a task dump begins, and until it is ready again.
  duration period = std::chrono::milliseconds(100);
  stall_options stall = {};
  duration capture_limit = std::chrono::milliseconds(20);  // for a stalled thread to write its stack
  // Logs the live tasks of all loops, as warnings, when this signal comes, SIGUSR1 for example; 0: none does.
  int task_dump_signal = 0;
  duration task_dump_limit = std::chrono::milliseconds(200);
};

struct stall_report {
  unsigned loop = 0;
  duration lasted{};  // so far
  std::optional<std::source_location> spawned;
  std::uint64_t request_id = 0;
  std::vector<std::uintptr_t> frames;  // innermost first; empty when there is `no_backtrace`
  std::vector<std::string> backtrace;  // their names
  std::string no_backtrace;            // why not
  std::uint64_t unreported = 0;        // stalls of this loop that the rate of reports left out
};

// Where it goes; whatever is null is left out.
struct watchdog_outputs {
  json_log* log = nullptr;
  registry* metrics = nullptr;
  std::function<void(const stall_report&)> on_stall = {};
  std::function<void(bool ready)> on_readiness = {};
};

class watchdog {
 public:
  // Throws std::system_error where the process may not have a thread or a descriptor more.
  explicit watchdog(watchdog_options options, watchdog_outputs outputs = {});
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  // No loop is stalled for long. Any thread.
  bool ready() const { return ready_.load(std::memory_order_relaxed); }
  // What the thread has used of a CPU so far: its overhead.
  duration cpu_time() const;

 private:
  struct measures;
  struct loop_measures {
    distribution lag;
    counter stalls;
    counter stalled;
  };
  struct watched {
    const loop_pulse* pulse = nullptr;
    stall_detector detector;
    std::optional<loop_measures> counted = {};
    bool wakes_us = false;  // otherwise it is to be looked at every report_after
    std::uint64_t seen_in_round = 0;
    instant seen_at{};
  };

  // A tick is a sample of the lag. Any other look is for a reason, which would bias the sample.
  enum class look_kind { tick, extra };

  void serve();
  instant next_look(instant next_tick) const;
  std::optional<duration> next_look_in(const watched& at) const;
  void choose_how_to_watch(instant now);
  void look_at_all(look_kind kind);
  void look(loop_pulse& at, look_kind kind, std::vector<stall_report>& reports);
  watched& watched_of(const loop_pulse& at);
  stall_report examine(const loop_pulse& at, std::int64_t segment_ns, const stall_detector::verdict& said) const;
  void tell(stall_report& of);
  void update_readiness();
  void dump_tasks_if_asked();

  watchdog_options options_;
  watchdog_outputs outputs_;
  std::unique_ptr<measures> measures_;
  symbolizer names_;
  std::map<unsigned, watched> loops_;
  std::uint64_t round_ = 0;
  unsigned extra_looks_ = 0;  // in this period
  bool by_alarms_ = true;
  instant by_looking_until_{};
  std::atomic<bool> ready_{true};
  loop_watch wakes_;
  std::atomic<bool> stop_asked_{false};
  clockid_t cpu_clock_{};
  std::thread thread_;  // last: it uses the members above
};

}  // namespace assay::observe
