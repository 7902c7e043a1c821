// When the thread of a generator did not run although it was to, and what that can have added to a response time.
//
// A timer that fires late tells it: those that pace the arrivals, and a beat of its own, since in the closed model, and
// while every connection is busy, nothing else is due. A stall shorter than `least` is taken for none; one that is
// longer than that and the beat together is always seen.
//
// What a stall can have touched: the request that was to be sent in it and was sent after it, and the answer that lay
// there unread. An answer that came when the thread ran again had been on its way all the time, and is the service's.
//
//   stall_watch stalls(on);
//   stalls.begin();
//   stalls.fired(deadline);                      // of a timer that has just fired
//   duration own = stalls.added(intended, sent, now);   // of an answer that is read now
//   stalls.end();
//
// Misuse: another thread than the loop's. A response time over several stalls: the latest alone is looked at.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/runtime/loop.hpp"

namespace assay::load {

class stall_watch {
 public:
  static constexpr duration beat = std::chrono::milliseconds(20);
  static constexpr duration least = std::chrono::milliseconds(5);

  explicit stall_watch(loop& on) : on_(on), beat_(this) {}
  ~stall_watch() { end(); }
  stall_watch(const stall_watch&) = delete;
  stall_watch& operator=(const stall_watch&) = delete;

  void begin() { on_.timers().arm(beat_, on_.now() + beat); }
  void end() { on_.timers().disarm(beat_); }

  void fired(instant deadline) {
    const instant now = on_.turn_time();
    if (now - deadline < least) return;
    const bool is_another = now != until_;  // and not one more timer that the same stall held up
    from_ = is_another ? deadline : std::min(from_, deadline);
    until_ = now;
    if (is_another) count_++;
    longest_ = std::max(longest_, now - deadline);
  }

  duration added(instant intended, instant sent, instant now) const {
    if (count_ == 0 || intended >= until_) return {};
    const bool sent_late = sent >= until_;
    const bool read_late = on_.backlog_since() <= until_ || now - until_ < soon_read;
    return sent_late || read_late ? until_ - std::max(intended, from_) : duration::zero();
  }

  std::uint64_t count() const { return count_; }
  duration longest() const { return longest_; }

 private:
  // What the kernel did not hand over with the first of what lay there comes this soon after it.
  static constexpr duration soon_read = std::chrono::milliseconds(1);

  struct beat_timer : timer_node {
    explicit beat_timer(stall_watch* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept {
      static_cast<beat_timer&>(node).owner->fired(node.deadline());
      static_cast<beat_timer&>(node).owner->begin();
    }
    stall_watch* owner;
  };

  loop& on_;
  beat_timer beat_;
  instant from_{};
  instant until_ = instant::min();
  std::uint64_t count_ = 0;
  duration longest_{};
};

}  // namespace assay::load
