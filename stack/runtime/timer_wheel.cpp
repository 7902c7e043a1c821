#include "stack/runtime/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace assay {
namespace {

constexpr std::uint16_t in_due_list = 0xffff;

}  // namespace

timer_wheel::timer_wheel(instant now) : current_tick_(tick_of(now)) {}

std::uint64_t timer_wheel::tick_of(instant at) {
  const auto ns = at.time_since_epoch().count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns) >> tick_shift;
}

// The level is the highest 6-bit digit in which the timer's tick differs from now.
void timer_wheel::place(timer_node& node) {
  const std::uint64_t tick = std::max(tick_of(node.deadline_), current_tick_);
  const std::uint64_t differs = tick ^ current_tick_;
  const unsigned at_level = differs == 0 ? 0 : static_cast<unsigned>(63 - std::countl_zero(differs)) / slot_bits;
  const unsigned index = static_cast<unsigned>(tick >> (slot_bits * at_level)) % slots;
  level_[at_level].slot[index].push_back(node);
  level_[at_level].occupied |= std::uint64_t{1} << index;
  node.slot_ = static_cast<std::uint16_t>(at_level * slots + index);
}

void timer_wheel::unplace(timer_node& node) {
  node.unlink();
  if (node.slot_ == in_due_list) return;
  level& at = level_[node.slot_ / slots];
  const unsigned index = node.slot_ % slots;
  if (at.slot[index].empty()) at.occupied &= ~(std::uint64_t{1} << index);
}

void timer_wheel::arm(timer_node& node, instant at) {
  assert(at != never && "an endless wait needs no timer");
  if (node.armed()) disarm(node);
  node.deadline_ = at;
  place(node);
  armed_++;
}

void timer_wheel::disarm(timer_node& node) {
  if (!node.armed()) return;
  unplace(node);
  armed_--;
}

// Moves the due timers of a level-0 slot to `due`; those later within the same tick stay.
void timer_wheel::expire_slot(unsigned index, instant now, intrusive_list<timer_node>& due) {
  level& bottom = level_[0];
  intrusive_list<timer_node> examined;
  examined.splice_back(bottom.slot[index]);
  bottom.occupied &= ~(std::uint64_t{1} << index);
  while (timer_node* node = examined.pop_front()) {
    if (node->deadline_ <= now) {
      node->slot_ = in_due_list;
      due.push_back(*node);
    } else {
      place(*node);
    }
  }
}

// Steps to `to_tick`, jumping from one occupied slot to the next: empty time costs nothing.
void timer_wheel::cascade(std::uint64_t to_tick, intrusive_list<timer_node>& due, instant now) {
  while (true) {
    // The earliest occupied slot over all levels, as the tick at which it begins.
    std::uint64_t next_tick = UINT64_MAX;
    unsigned next_level = 0;
    for (unsigned at_level = 0; at_level < levels; ++at_level) {
      if (level_[at_level].occupied == 0) continue;
      const unsigned shift = slot_bits * at_level;
      const auto digit = static_cast<unsigned>(current_tick_ >> shift) % slots;
      const auto ahead =
          static_cast<unsigned>(std::countr_zero(std::rotr(level_[at_level].occupied, static_cast<int>(digit))));
      const std::uint64_t begins = ((current_tick_ >> shift) + ahead) << shift;
      if (begins <= next_tick) {  // on a tie the higher level first: its timers belong to the same tick
        next_tick = begins;
        next_level = at_level;
      }
    }
    if (next_tick > to_tick) break;
    current_tick_ = std::max(current_tick_, next_tick);
    const unsigned index = static_cast<unsigned>(next_tick >> (slot_bits * next_level)) % slots;
    if (next_level == 0) {
      expire_slot(index, now, due);
      if (current_tick_ == to_tick) break;
      current_tick_++;
      continue;
    }
    intrusive_list<timer_node> descending;
    descending.splice_back(level_[next_level].slot[index]);
    level_[next_level].occupied &= ~(std::uint64_t{1} << index);
    while (timer_node* node = descending.pop_front()) place(*node);
  }
  current_tick_ = to_tick;
}

std::size_t timer_wheel::advance(instant now) {
  const std::uint64_t to_tick = std::max(tick_of(now), current_tick_);
  cascade(to_tick, due_, now);
  std::size_t fired = 0;
  while (timer_node* node = due_.pop_front()) {
    armed_--;
    fired++;
    node->on_fire_(*node);
  }
  return fired;
}

// The lowest level that is occupied has the earliest timer, in its first slot ahead: what is in the current block of a
// level comes before everything in the levels above it.
instant timer_wheel::next() const {
  if (armed_ == 0) return never;
  unsigned at_level = 0;
  while (level_[at_level].occupied == 0) at_level++;
  const level& at = level_[at_level];
  const unsigned shift = slot_bits * at_level;
  const auto digit = static_cast<unsigned>(current_tick_ >> shift) % slots;
  const auto ahead = static_cast<unsigned>(std::countr_zero(std::rotr(at.occupied, static_cast<int>(digit))));
  const intrusive_list<timer_node>& first = at.slot[(digit + ahead) % slots];
  if (at_level > 0 && first.longer_than(most_looked_at)) {
    const std::uint64_t begins = ((current_tick_ >> shift) + ahead) << shift;
    return instant(duration(static_cast<duration::rep>(begins << tick_shift)));
  }
  instant exact = never;
  first.for_each([&](timer_node& node) { exact = std::min(exact, node.deadline_); });
  return exact;
}

}  // namespace assay
