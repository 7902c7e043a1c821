// What a generator's thread costs while it sends: from the start to the end of sending, without the drain.
//
// A drain of a second or five has next to nothing to do. Counted in, it would dilute the share of a thread that was
// busy all the time until it looks as if it had had time left.
//
// Misuse: another thread than the loop's; begin() twice.
#pragma once

#include "lab/load/thread_usage.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {

struct thread_cost {
  thread_usage usage{};
  duration spun{};  // of its CPU time, polling without sleeping
  duration wall{};
};

class sending_cost {
 public:
  explicit sending_cost(loop& on) : on_(on), end_(this) {}
  ~sending_cost() { on_.timers().disarm(end_); }
  sending_cost(const sending_cost&) = delete;
  sending_cost& operator=(const sending_cost&) = delete;

  // At the start; it ends by itself.
  void begin(instant end) {
    begun_at_ = on_.now();
    begun_ = thread_usage::now();
    spun_before_ = on_.counters().spun;
    counts_ = true;
    on_.timers().arm(end_, end);
  }
  // It is over already.
  void end() {
    if (!counts_) return;
    counts_ = false;
    on_.timers().disarm(end_);
    cost_ = {.usage = thread_usage::now() - begun_,
             .spun = on_.counters().spun - spun_before_,
             .wall = on_.now() - begun_at_};
  }
  // All of it zero before the end.
  const thread_cost& taken() const { return cost_; }

 private:
  struct end_timer : timer_node {
    explicit end_timer(sending_cost* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<end_timer&>(node).owner->end(); }
    sending_cost* owner;
  };

  loop& on_;
  end_timer end_;
  instant begun_at_{};
  thread_usage begun_;
  duration spun_before_{};
  bool counts_ = false;
  thread_cost cost_;
};

}  // namespace assay::load
