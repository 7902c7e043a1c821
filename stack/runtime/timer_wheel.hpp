// Timers of one loop: a hierarchical wheel (Varghese and Lauck, SOSP 1987, scheme 7) with exact deadlines.
//
// Eight levels of 64 slots, a level-0 slot 2^16 ns wide: the 48 bits cover every instant, so nothing wraps. Arm and
// disarm are O(1) and touch only the node, because almost every timeout is disarmed before it fires. A slot holds exact
// nanosecond deadlines, so a timer never fires early and next() is exact as soon as the timer has come down to level 0:
// the generator's pacing and virtual time in tests depend on it. Timers of one slot fire in the order they were armed.
//
// Misuse: destroying a timer_node that is armed. Disarm first; the node aborts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/time.hpp"

namespace assay {

class timer_node : public list_node {
 public:
  using callback = void (*)(timer_node&) noexcept;

  explicit timer_node(callback on_fire) : on_fire_(on_fire) {}

  bool armed() const { return linked(); }
  instant deadline() const { return deadline_; }

 private:
  friend class timer_wheel;
  callback on_fire_;
  instant deadline_ = never;
  std::uint16_t slot_ = 0;  // level * 64 + index, to clear the occupancy bit on disarm
};

class timer_wheel {
 public:
  explicit timer_wheel(instant now);

  // Fires at the first advance() with now >= at. `never` is refused: it would sit in the wheel for good.
  void arm(timer_node& node, instant at);
  void disarm(timer_node& node);

  // Runs every callback whose deadline has passed; a callback may arm and disarm any timer. Returns how many ran.
  std::size_t advance(instant now);

  // When to wake next: exact when the next deadline lies in the current block of 64 level-0 slots (4.2 ms), or shares
  // its slot with few; else a moment no later than that deadline, at which advance() moves its slot down a level.
  // `never` when no timer is armed.
  instant next() const;

  std::size_t size() const { return armed_; }

 private:
  static constexpr unsigned tick_shift = 16;
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 8;
  // Timers of a slot that next() looks at, above level 0: fewer wakes for nothing where few timers are armed, and no
  // walk where many are.
  static constexpr std::size_t most_looked_at = 8;

  struct level {
    std::array<intrusive_list<timer_node>, slots> slot;
    std::uint64_t occupied = 0;  // one bit a slot
  };

  static std::uint64_t tick_of(instant at);
  void place(timer_node& node);
  void unplace(timer_node& node);
  void expire_slot(unsigned index, instant now, intrusive_list<timer_node>& due);
  void cascade(std::uint64_t to_tick, intrusive_list<timer_node>& due, instant now);

  std::array<level, levels> level_;
  intrusive_list<timer_node> due_;  // being fired; a member so that a callback can disarm a neighbour
  std::uint64_t current_tick_;
  std::size_t armed_ = 0;
};

}  // namespace assay
