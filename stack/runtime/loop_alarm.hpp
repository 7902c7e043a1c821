// Goes off when a loop has not begun a turn for a while: a timer of the kernel that the loop itself puts off, once in
// half of that while. So who watches a loop sleeps as long as it turns, where looking at it from time to time would
// cost a wake each time; a wake costs some twenty times what putting off does.
//
//   const result<int> fd = pulse.alarm.watch(25ms);   // in for_each_running_loop(); then wait for it to be readable
//
// A loop that waits in the kernel for longer than that lets it go off as well, once.
//
// Misuse: reading the descriptor, with a second watcher about: wait for edges (EPOLLET), and each sees all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "stack/runtime/error.hpp"
#include "stack/runtime/time.hpp"

namespace assay {

class loop_alarm {
 public:
  loop_alarm() = default;
  loop_alarm(const loop_alarm&) = delete;
  loop_alarm& operator=(const loop_alarm&) = delete;
  ~loop_alarm();

  // Goes off between half of `span` and all of it after a turn has begun, unless another begins; of two watchers the
  // shorter span holds. The descriptor is the loop's and goes with it. Again is cheap, and mends what another watcher
  // has ended. For watchers, while the loop cannot end.
  result<int> watch(duration span);
  // The loop puts it off no more, for nobody: it goes off once, if it has not.
  void end_watch() noexcept { span_ns_.store(0, std::memory_order_relaxed); }

  // For the loop's thread: a turn begins.
  void on_turn(instant now) noexcept {
    if (now.time_since_epoch().count() >= due_ns_.load(std::memory_order_relaxed)) put_off(now);
  }

 private:
  void put_off(instant now) noexcept;

  std::atomic<int> fd_{-1};
  std::atomic<std::int64_t> span_ns_{0};  // 0: nobody watches
  std::atomic<std::int64_t> due_ns_{0};   // when to put it off; 0: at the next turn
};

}  // namespace assay
