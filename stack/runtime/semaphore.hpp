// Permits among tasks of one loop, with a bounded line of waiters. A permit is a value: it comes back when destroyed.
//
//   result<permit> slot = co_await slots.acquire();   // waits in line; errc::limit when the line is full
//
// First come, first served. Waiting is cancellable and ends at the context's deadline.
//
// Misuse: a permit that outlives its semaphore; the destructor aborts unless all have come back.
#pragma once

#include <cstddef>
#include <utility>

#include "stack/runtime/precondition.hpp"
#include "stack/runtime/wait.hpp"

namespace assay {

class semaphore;

class [[nodiscard]] permit {
 public:
  permit() = default;
  permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  permit& operator=(permit&& other) noexcept {
    permit taken(std::move(other));
    std::swap(from_, taken.from_);
    return *this;
  }
  ~permit() { release(); }
  void release();
  explicit operator bool() const { return from_ != nullptr; }

 private:
  friend class semaphore;
  explicit permit(semaphore* from) : from_(from) {}
  semaphore* from_ = nullptr;
};

class semaphore {
 public:
  semaphore(std::size_t permits, std::size_t max_waiters)
      : free_(permits), total_(permits), max_waiters_(max_waiters) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore() { ASSAY_PRECONDITION(free_ == total_, "every permit comes back before the semaphore goes"); }

  // Empty when none is free. Never overtakes those who wait.
  permit try_acquire() {
    if (free_ == 0 || !waiting_.empty()) return {};
    free_--;
    return permit(this);
  }

  std::size_t free() const { return free_; }
  std::size_t waiters() const { return waiters_; }

 private:
  friend class permit;

  class acquire_awaiter : detail::wait_guard, ready_node, list_node {
   public:
    explicit acquire_awaiter(semaphore* from) : wait_guard(&on_give_up), ready_node(&on_ready), from_(from) {}

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
      context& ctx = *self.promise().ctx;
      if (!admit(ctx)) return false;
      granted_ = from_->try_acquire();
      if (granted_) return false;
      full_ = from_->waiters_ >= from_->max_waiters_;
      if (full_) return false;
      on_ = ctx.on;
      waiter_ = self;
      from_->waiting_.push_back(*this);
      from_->waiters_++;
      arm(ctx, ctx.deadline, "a permit");
      return true;
    }
    result<permit> await_resume() {
      if (granted_) return std::move(granted_);
      if (full_) return std::unexpected(error{.code = errc::limit, .what = "too many waiters"});
      return std::unexpected(failure("acquire"));
    }

   private:
    friend class semaphore;
    friend class intrusive_list<acquire_awaiter>;
    void grant(permit given) {
      granted_ = std::move(given);
      disarm();
      on_->schedule(*this);
    }
    static void on_ready(ready_node& node) noexcept {
      const auto& self = static_cast<acquire_awaiter&>(node);
      self.resume(self.waiter_);
    }
    static void on_give_up(wait_guard& guard) noexcept {
      auto& self = static_cast<acquire_awaiter&>(guard);
      self.unlink();
      self.from_->waiters_--;
      self.disarm();
      self.on_->schedule(self);
    }

    semaphore* from_;
    permit granted_;
    bool full_ = false;
    loop* on_ = nullptr;
    std::coroutine_handle<> waiter_;
  };

  void give_back() {
    if (acquire_awaiter* next = waiting_.pop_front()) {
      waiters_--;
      next->grant(permit(this));  // handed over: the count stays
      return;
    }
    free_++;
  }

  std::size_t free_;
  std::size_t total_;
  std::size_t max_waiters_;
  std::size_t waiters_ = 0;
  intrusive_list<acquire_awaiter> waiting_;

 public:
  [[nodiscard]] acquire_awaiter acquire() { return acquire_awaiter(this); }
};

inline void permit::release() {
  if (from_ != nullptr) std::exchange(from_, nullptr)->give_back();
}

}  // namespace assay
