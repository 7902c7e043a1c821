// Puts requests in the order in which they began, where a log has them in the order in which they ended.
//
// Bounded: at most max_held requests are held back, so that one which took longer than max_held others still comes a
// little late. A log whose requests come as they began passes through untouched; the first that does not, or whose
// stamp is no start, begins the ordering. A clock that goes back by more than any request takes is that of another log
// behind this one: what is held goes first.
//
// Only what depends on the order is held, and not the line: Item is small, is copied, and has `log_time starts`.
//
// Misuse: forgetting finish(); what is held back is then lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "lab/learn/line/clock.hpp"

namespace assay::learn {

inline constexpr std::size_t max_held = 1024;
inline constexpr std::chrono::hours longest_request{1};

template <typename Item>
class start_order {
 public:
  // Calls use(item) for each item whose turn has come. `is_start`: the line's stamp is that of the start.
  template <typename Fn>
  void add(const Item& item, bool is_start, Fn&& use) {
    if (item.starts + longest_request < latest_) {
      finish(use);
      latest_ = item.starts;
    }
    orders_ = orders_ || !is_start || item.starts < latest_;
    latest_ = std::max(latest_, item.starts);
    if (!orders_) return use(item);
    if (heap_.size() == max_held) {
      std::ranges::pop_heap(heap_, std::greater<>());
      use(heap_.back().item);
      heap_.back() = {item, came_++};
    } else {
      heap_.push_back({item, came_++});
    }
    std::ranges::push_heap(heap_, std::greater<>());
  }
  template <typename Fn>
  void finish(Fn&& use) {
    std::ranges::sort(heap_, std::less<>());
    for (const held& each : heap_) use(each.item);
    heap_.clear();
  }

 private:
  struct held {
    Item item;
    std::uint64_t number;  // of those that start together the first that came

    auto operator<=>(const held& other) const {
      if (const auto order = item.starts <=> other.item.starts; order != 0) return order;
      return number <=> other.number;
    }
    bool operator==(const held& other) const { return number == other.number; }
  };

  bool orders_ = false;
  log_time latest_ = log_time::min();
  std::uint64_t came_ = 0;
  std::vector<held> heap_;  // the earliest in front
};

}  // namespace assay::learn
