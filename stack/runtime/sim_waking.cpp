// What ends a wait of a simulation: another thread, or the time until which what has completed is held back.
#include <cstdio>
#include <cstdlib>

#include "stack/runtime/sim_io.hpp"

namespace assay {

void sim_io::wait_for_wake() {
  std::unique_lock lock(wake_mutex_);
  const bool came = woken_.wait_for(lock, options_.patience, [this] { return wake_pending_; });
  wake_pending_ = false;
  if (came) return;
  std::fputs("assay: simulation deadlock: no timer, no event, and no other thread wakes the loop\n", stderr);
  std::abort();
}

void sim_io::wake() noexcept {
  {
    const std::lock_guard lock(wake_mutex_);
    wake_pending_ = true;
  }
  woken_.notify_one();
}

// Not with what the server of a test has to do, which is on the same loop and stands for another machine.
void sim_io::tell_held_back(bool wait_is_over, ready_queue& completed) {
  if (held_back_until_ > now_ && !wait_is_over) return;
  if (held_back_until_ <= now_) held_back_until_ = instant::min();
  while (ready_node* node = held_back_.pop()) completed.push(*node);
}

}  // namespace assay
