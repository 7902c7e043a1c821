// What a thread that watches loops sleeps on: it is woken by a loop that begins to run, and by one that has begun no
// turn for a while (stack/runtime/loop_alarm.hpp). Internal to the watchdog.
//
//   loop_watch wakes;
//   while (...) {
//     for_each_running_loop([&](loop&, loop_pulse& each) { wakes.add(each, 25ms); });
//     wakes.sleep_until(next);   // any of them, or wake(), ends it early
//   }
//
// Misuse: asking whom it was woken by. Several may have become one wake, and one that was meant for before may come.
#pragma once

#include "stack/runtime/epoll_wait.hpp"
#include "stack/runtime/pulse.hpp"

namespace assay::observe {

class loop_watch {
 public:
  // Throws std::system_error where the process may not have a descriptor more.
  loop_watch();
  ~loop_watch();
  loop_watch(const loop_watch&) = delete;
  loop_watch& operator=(const loop_watch&) = delete;

  // This loop wakes us from now on, at most `span` after its last turn; false where there is no descriptor for it.
  // While the loop cannot end. Once more is no mistake, and is to be done after each wake: another watchdog that has
  // ended took the alarms along.
  [[nodiscard]] bool add(loop_pulse& of, duration span) const;
  void sleep_until(instant at);
  void wake() const noexcept;  // from any thread

 private:
  int wake_fd_ = -1;
  int epoll_fd_ = -1;
  assay::detail::exact_epoll_wait wait_;
};

}  // namespace assay::observe
