#include "lab/learn/start_order.hpp"

#include <algorithm>
#include <functional>

namespace assay::learn {

std::size_t start_order::take() {
  std::ranges::pop_heap(heap_, std::greater<>());
  const std::size_t slot = heap_.back().slot;
  heap_.pop_back();
  return slot;
}

void start_order::hold(const access_line& line, std::size_t slot) {
  slots_[slot].keep(line);
  heap_.push_back({.starts = start_of(line), .number = came_++, .slot = slot});
  std::ranges::push_heap(heap_, std::greater<>());
}

}  // namespace assay::learn
