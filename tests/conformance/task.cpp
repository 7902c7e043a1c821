#include "tests/conformance/task.hpp"

#include <deque>

namespace conformance {
namespace {

completion current_mode = completion::in_line;

std::deque<std::coroutine_handle<>>& queue() {
  static std::deque<std::coroutine_handle<>> suspended;
  return suspended;
}

}  // namespace

void set_completion(completion mode) { current_mode = mode; }

bool leaf_suspends() { return current_mode == completion::suspended; }

void queue_suspended(std::coroutine_handle<> suspended) { queue().push_back(suspended); }

bool resume_next() {
  if (queue().empty()) return false;
  const std::coroutine_handle<> next = queue().front();
  queue().pop_front();
  next.resume();
  return true;
}

std::size_t drop_suspended() {
  const std::size_t dropped = queue().size();
  queue().clear();
  return dropped;
}

}  // namespace conformance
