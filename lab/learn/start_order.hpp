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
#include <cstddef>
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
    if (held_.size() - first_ == max_held) {
      use(held_[first_]);
      if (++first_ == max_held) forget_used();
    }
    // Most come nearly in order, so that few have to make room.
    const bool is_last = held_.size() == first_ || !(item.starts < held_.back().starts);
    const auto from = held_.begin() + static_cast<std::ptrdiff_t>(first_);
    held_.insert(is_last ? held_.end() : std::ranges::upper_bound(from, held_.end(), item.starts, {}, &Item::starts),
                 item);
  }
  template <typename Fn>
  void finish(Fn&& use) {
    for (; first_ < held_.size(); ++first_) use(held_[first_]);
    forget_used();
  }

 private:
  void forget_used() {
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }

  bool orders_ = false;
  log_time latest_ = log_time::min();
  std::vector<Item> held_;  // in order; of those that start together the first that came
  std::size_t first_ = 0;   // those before it have been used
};

}  // namespace assay::learn
