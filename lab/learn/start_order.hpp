// Puts requests in the order in which they began, where a log has them in the order in which they ended.
//
// Bounded: at most max_held requests are held back, so that one which took longer than max_held others still comes a
// little late. A log whose requests come as they began passes through untouched; the first that does not, or whose
// stamp is no start, begins the ordering.
//
// Misuse: forgetting finish(); what is held back is then lost.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lab/learn/line/owned_line.hpp"

namespace assay::learn {

inline constexpr std::size_t max_held = 1024;

class start_order {
 public:
  // Calls use(line) for each line whose turn has come.
  template <typename Fn>
  void add(const access_line& line, Fn&& use) {
    const log_time starts = start_of(line);
    orders_ = orders_ || starts != line.stamp || starts < latest_;
    latest_ = std::max(latest_, starts);
    if (!orders_) return use(line);
    if (slots_.size() == max_held) {
      const std::size_t slot = take();
      use(slots_[slot].line());
      hold(line, slot);
    } else {
      slots_.emplace_back();
      hold(line, slots_.size() - 1);
    }
  }
  template <typename Fn>
  void finish(Fn&& use) {
    while (!heap_.empty()) use(slots_[take()].line());
    slots_.clear();
  }

 private:
  struct held {
    log_time starts;
    std::uint64_t number;  // of those that start together the first that came
    std::size_t slot;
    bool operator>(const held& other) const {
      return starts != other.starts ? starts > other.starts : number > other.number;
    }
  };
  std::size_t take();
  void hold(const access_line& line, std::size_t slot);

  bool orders_ = false;
  log_time latest_ = log_time::min();
  std::uint64_t came_ = 0;
  std::vector<owned_line> slots_;
  std::vector<held> heap_;  // the earliest in front
};

}  // namespace assay::learn
