// What may be known of a running loop from outside: whether it waits in the kernel or works, since when, and on which
// thread. Two plain stores and a compare a turn; stack/observe/watchdog.hpp reads it.
//
//   for_each_running_loop([](loop& on, loop_pulse& of) { ... });   // from any thread
//   tell_of_new_loops(event_fd);                                   // whoever wants to know of each at once
//
// A loop is in the list from the beginning of run() to its end, and cannot end while the list is looked at.
//
// Misuse: doing more with a loop in the list than post() and reading its pulse: it belongs to its thread. Staying in
// the visitor for long: loops that begin or end wait for it.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <functional>

#include "stack/runtime/loop_alarm.hpp"
#include "stack/runtime/task_record.hpp"

namespace assay {

class loop;

struct loop_pulse : list_node {
  // In nanoseconds of the system's monotonic clock; 0 while it waits in the kernel. Under virtual time always 0.
  std::atomic<std::int64_t> busy_since_ns{0};
  // Whose code runs; none between tasks. For the loop's own thread, and for a signal handler on it.
  std::atomic<task_record*> running{nullptr};
  pthread_t thread{};
  unsigned number = 0;  // from 0; the lowest that was free when it began to run
  bool real_time = true;
  loop* of = nullptr;
  loop_alarm alarm;  // not under virtual time

  // For the loop: it has been given work at `now`.
  void begin_segment(instant now) noexcept {
    if (!real_time) return;
    busy_since_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    alarm.on_turn(now);
  }
};

void for_each_running_loop(const std::function<void(loop&, loop_pulse&)>& visit);

// Adds one to this eventfd when a loop begins to run, and when another watcher has gone, which takes the loops' alarms
// along: watch them again. Until told otherwise; after that never.
void tell_of_new_loops(int event_fd);
void tell_no_more_of_loops(int event_fd);

// The pulse of the loop that runs on the calling thread, or null. Safe in a signal handler.
loop_pulse* pulse_of_this_thread() noexcept;

namespace detail {

// A loop is in the list as long as this lives, on the thread that runs it.
class running_loop {
 public:
  explicit running_loop(loop_pulse& entered);
  ~running_loop();
  running_loop(const running_loop&) = delete;
  running_loop& operator=(const running_loop&) = delete;

 private:
  loop_pulse& pulse_;
  loop_pulse* outer_;  // of a loop that runs within a task of another
};

}  // namespace detail

}  // namespace assay
