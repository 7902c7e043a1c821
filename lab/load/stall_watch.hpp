// When the thread of a generator did not run although it was to, and what that can have added to a response time.
//
// A timer that fires late tells it: those that pace the arrivals, and a beat of its own, since in the closed model, and
// while every connection is busy, nothing else is due. A stall shorter than `least` is taken for none; one that is
// longer than that and the beat together is always seen. It began at the earliest when the thread is last known to have
// run, and that is where it is taken to begin.
//
// What a stall can have touched: the request that was to be sent in it and was sent after it; the answer that lay there
// unread; and in the open model what waits for a connection until the queue that the stall has left is gone, but no
// longer than ten times the stall, since a service that is overloaded never works it off. An answer that came when the
// thread ran again had been on its way all the time, and is the service's.
//
//   stall_watch stalls(on);
//   stalls.begin();
//   stalls.fired(deadline);                      // of a timer that has just fired
//   stalls.caught_up();                          // nothing is due, and somebody could send it
//   duration own = stalls.added(intended, sent, now);   // of an answer that is read now
//   stalls.end();
//
// Misuse: another thread than the loop's. A response time over more than nine stalls: the latest of them are looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::load {

class stall_watch {
 public:
  static constexpr duration beat = std::chrono::milliseconds(20);
  static constexpr duration least = std::chrono::milliseconds(5);
  static constexpr int longest_queue = 10;  // times the stall that left it

  // `leaves_queue`: arrivals that were due in a stall wait behind each other, for connections or for their turn.
  explicit stall_watch(loop& on, bool leaves_queue = false) : on_(on), beat_(this), leaves_queue_(leaves_queue) {}
  ~stall_watch() { end(); }
  stall_watch(const stall_watch&) = delete;
  stall_watch& operator=(const stall_watch&) = delete;

  void begin() { on_.timers().arm(beat_, on_.now() + beat); }
  void end() { on_.timers().disarm(beat_); }

  void fired(instant deadline) {
    const instant now = on_.turn_time();
    postpone_beat(now);
    if (now - deadline < least) return;
    if (now != latest_.until) begin_another(deadline, now);  // else the same has held up one more timer
    latest_.from = std::min(latest_.from, deadline);
    longest_ = std::max(longest_, now - deadline);
    const duration late = std::max(std::min(now, counts_until_) - deadline, duration::zero());
    total_ += std::max(late - counted_, duration::zero());
    counted_ = std::max(counted_, late);
  }

  void caught_up() {
    if (std::exchange(behind_, false)) queue_until_ = std::min(queue_until_, on_.turn_time());
  }

  // `by_kernel`: now is when the answer came, so that it does not matter when it was read.
  duration added(instant intended, instant sent, instant now, bool by_kernel = false) const {
    if (count_ == 0) return {};
    if (intended >= latest_.until) {
      return intended < queue_until_ ? std::clamp(sent - intended, duration::zero(), latest_.length())
                                     : duration::zero();
    }
    duration sum{};  // those that were over when it was sent have held it up
    for (const stall& each : earlier_) {
      if (intended < each.until && sent >= each.until) sum += each.until - std::max(intended, each.from);
    }
    const instant since = std::max(intended, latest_.from);
    if (sent >= latest_.until) {
      // What was due in it may have waited behind each other as well, for as long as it took at most.
      return sum + (leaves_queue_ ? std::min(sent - since, latest_.length()) : latest_.until - since);
    }
    const bool read_late = !by_kernel && may_be_read_late(now);
    return sum + (read_late ? latest_.until - since : duration::zero());
  }

  // Of what was sent first at `first` and, once an answer asked for more, last at `last`: what held up sends between.
  duration added_between(instant first, instant last) const {
    if (count_ == 0 || last < first) return {};
    duration sum{};
    const auto hold_up = [&](const stall& each) {
      if (first < each.until && last >= each.until) sum += each.until - std::max(first, each.from);
    };
    for (const stall& each : earlier_) hold_up(each);
    hold_up(latest_);
    return sum;
  }

  bool may_be_read_late(instant now) const {
    return on_.backlog_since() <= latest_.until || now - latest_.until < soon_read;
  }

  std::uint64_t count() const { return count_; }
  duration longest() const { return longest_; }
  // For so long it was to run and did not, for certain, before what is due no longer counts.
  duration total() const { return total_; }
  void counts_until(instant end) { counts_until_ = end; }

 private:
  // What the kernel did not hand over with the first of what lay there comes this soon after it.
  static constexpr duration soon_read = std::chrono::milliseconds(1);

  struct stall {
    instant from{};
    instant until = instant::min();

    duration length() const { return until - from; }
  };

  struct beat_timer : timer_node {
    explicit beat_timer(stall_watch* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept {
      static_cast<beat_timer&>(node).owner->fired(node.deadline());
      static_cast<beat_timer&>(node).owner->begin();
    }
    stall_watch* owner;
  };

  // Where others fire, it is no wake of its own. One that is due already tells of a stall, and from the turn's time on
  // it would tell of one in this turn.
  void postpone_beat(instant now) {
    const bool soon = beat_.armed() && beat_.deadline() > now && beat_.deadline() - now < beat / 2;
    if (soon) on_.timers().arm(beat_, now + beat);
  }

  void begin_another(instant deadline, instant now) {
    if (count_ > 0) {
      std::shift_left(earlier_.begin(), earlier_.end(), 1);
      earlier_.back() = latest_;
    }
    count_++;
    counted_ = {};
    latest_ = {.from = std::min(deadline, on_.previous_turn_time()), .until = now};
    behind_ = leaves_queue_;
    if (behind_) queue_until_ = now + longest_queue * latest_.length();
  }

  loop& on_;
  beat_timer beat_;
  bool leaves_queue_;
  bool behind_ = false;  // what the latest has left has not been seen to be gone
  instant queue_until_ = instant::min();
  stall latest_;
  std::array<stall, 8> earlier_{};  // the latest of them last
  std::uint64_t count_ = 0;
  duration longest_{};
  duration total_{};
  duration counted_{};  // in it, of the latest
  instant counts_until_ = instant::max();
};

}  // namespace assay::load
