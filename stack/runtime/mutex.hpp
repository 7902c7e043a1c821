// One at a time, among tasks of one loop, with a bounded line of waiters: what std::mutex is where nothing may block,
// and what may be held across a co_await.
//
//   result<permit> held = co_await access.lock();   // errc::limit when the line is full; released by its destructor
//   if (!held) co_return std::unexpected(held.error());
//
// First come, first served. Waiting is cancellable and ends at the context's deadline.
//
// Misuse: locking twice in one task. The second waits for the first until its deadline.
#pragma once

#include "stack/runtime/semaphore.hpp"

namespace assay {

class mutex {
 public:
  explicit mutex(std::size_t max_waiters) : one_(1, max_waiters) {}

  [[nodiscard]] auto lock() { return one_.acquire(); }
  // Empty when it is held, or somebody waits for it.
  permit try_lock() { return one_.try_acquire(); }

  bool locked() const { return one_.free() == 0; }
  std::size_t waiters() const { return one_.waiters(); }

 private:
  semaphore one_;
};

}  // namespace assay
