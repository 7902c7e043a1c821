// Waiting for time, and giving others a turn.
//
// Misuse: a sleep as synchronisation. It waits for time, never for an event; wait for the event itself.
#pragma once

#include "stack/runtime/wait.hpp"

namespace assay {

namespace detail {

// Ends at `at`, or earlier with a failure: deadline or cancellation.
class delay_awaiter : wait_guard, ready_node {
 public:
  explicit delay_awaiter(instant at) : wait_guard(&on_give_up), ready_node(&on_ready), timer_(this), at_(at) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    context& ctx = *self.promise().ctx;
    if (!admit(ctx)) return false;
    on_ = ctx.on;
    waiter_ = self;
    if (at_ < ctx.deadline) on_->timers().arm(timer_, at_);
    arm(ctx, ctx.deadline, "time");
    return true;
  }
  result<void> await_resume() const {
    if (gave_up()) return std::unexpected(failure("sleep"));
    return {};
  }

 private:
  struct alarm : timer_node {
    explicit alarm(delay_awaiter* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<alarm&>(node).owner->wake(); }
    delay_awaiter* owner;
  };
  void wake() noexcept {
    disarm();
    on_->schedule(*this);
  }
  static void on_ready(ready_node& node) noexcept {
    const auto& self = static_cast<delay_awaiter&>(node);
    self.resume(self.waiter_);
  }
  static void on_give_up(wait_guard& guard) noexcept {
    auto& self = static_cast<delay_awaiter&>(guard);
    self.on_->timers().disarm(self.timer_);
    // Asked to stop while it was being armed: the guard is disarmed when it runs.
    self.disarm();
    self.on_->schedule(self);
  }

  alarm timer_;
  instant at_;
  loop* on_ = nullptr;
  std::coroutine_handle<> waiter_;
};

struct yield_awaiter : ready_node {
  yield_awaiter() : ready_node(&on_ready) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    waiter = self;
    ctx = self.promise().ctx;
    ctx->on->schedule(*this);
  }
  void await_resume() const noexcept {}
  static void on_ready(ready_node& node) noexcept {
    const auto& self = static_cast<yield_awaiter&>(node);
    self.ctx->on->enter(self.ctx->task);
    self.waiter.resume();
  }
  std::coroutine_handle<> waiter;
  context* ctx = nullptr;
};

}  // namespace detail

[[nodiscard]] inline detail::delay_awaiter delay_until(instant at) { return detail::delay_awaiter(at); }

// From the start of the current turn.
[[nodiscard]] inline task<result<void>> delay_for(duration span) {
  const context& ctx = co_await this_context();
  co_return co_await delay_until(saturating_add(ctx.on->turn_time(), span));
}

// Lets everything else that is ready run first. Use it in loops that compute for long.
[[nodiscard]] inline detail::yield_awaiter yield() { return {}; }

}  // namespace assay
