// What every suspended operation shares: it ends by completion, by its deadline, or by cancellation, exactly once.
//
// An awaiter derives from wait_guard, starts its operation, and arms the guard, saying what it waits for; give_up is
// called at most once, from the loop's turn, and must make the operation complete soon (never resume inline). It
// resumes the coroutine through the guard, so that the loop knows whose code runs.
//
// Misuse: resuming the coroutine before disarm(); the timer would fire into a dead frame. The guard's nodes abort.
#pragma once

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <coroutine>

#include "stack/runtime/loop.hpp"

namespace assay::detail {

class wait_guard {
 public:
  using give_up_function = void (*)(wait_guard&) noexcept;

  explicit wait_guard(give_up_function give_up) : timer_(this), cancel_(this), give_up_(give_up) {}
  wait_guard(const wait_guard&) = delete;
  wait_guard& operator=(const wait_guard&) = delete;

  // False when the context is cancelled already: then do not start, and report failure().
  bool admit(const context& ctx) {
    if (ctx.cancel->cancelled()) reason_ = ctx.cancel->reason();
    return reason_ == cancel_reason::none;
  }

  // Call once suspended for sure. `what` is static text: what the task waits for.
  void arm(context& ctx, instant at, const char* what = "an event") {
    on_ = ctx.on;
    task_ = ctx.task;
    task_->awaiting = what;
    task_->awaiting_since = on_->turn_time();
    if (at != never) on_->timers().arm(timer_, at);
    if (!ctx.cancel->add(cancel_)) stop(ctx.cancel->reason());
  }

  void disarm() {
    on_->timers().disarm(timer_);
    if (cancel_.linked()) cancel_.unlink();
    task_->awaiting = nullptr;
  }

  // The guard may be gone when this returns.
  void resume(std::coroutine_handle<> waiter) const {
    on_->enter(task_);
    waiter.resume();
  }

  bool gave_up() const { return reason_ != cancel_reason::none; }

  error failure(const char* what) const {
    return {.code = reason_ == cancel_reason::deadline ? errc::timed_out : errc::cancelled,
            .reason = reason_,
            .what = what};
  }

 protected:
  ~wait_guard() = default;

 private:
  struct deadline_timer : timer_node {
    explicit deadline_timer(wait_guard* self) : timer_node(&on_deadline), guard(self) {}
    static void on_deadline(timer_node& node) noexcept {
      static_cast<deadline_timer&>(node).guard->stop(cancel_reason::deadline);
    }
    wait_guard* guard;
  };
  struct cancel_link : cancel_node {
    explicit cancel_link(wait_guard* self) : cancel_node(&on_cancel), guard(self) {}
    static void on_cancel(cancel_node& node, cancel_reason why) noexcept {
      static_cast<cancel_link&>(node).guard->stop(why);
    }
    wait_guard* guard;
  };

  void stop(cancel_reason why) noexcept {
    if (gave_up()) return;
    reason_ = why;
    give_up_(*this);
  }

  loop* on_ = nullptr;
  task_record* task_ = nullptr;
  deadline_timer timer_;
  cancel_link cancel_;
  give_up_function give_up_;
  cancel_reason reason_ = cancel_reason::none;
};

template <class Op>
constexpr const char* name_of() {
  if constexpr (std::derived_from<Op, accept_op>) return "accept";
  if constexpr (std::derived_from<Op, connect_op>) return "connect";
  if constexpr (std::derived_from<Op, recv_op>) return "receive";
  if constexpr (std::derived_from<Op, send_op>) return "send";
  if constexpr (std::derived_from<Op, poll_op>) return "a descriptor";
  return "an operation";
}

// Base of an awaiter around one I/O operation. Derived provides:
//   bool start(io&)         begins it; true when complete already
//   bool start_again(io&)   after a completion: true when there is more to do and it is in the backend again
template <class Derived, class Op>
class io_awaiter : public wait_guard {
 public:
  bool await_ready() const noexcept { return false; }

  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    context& ctx = *self.promise().ctx;
    backend_ = &ctx.on->backend();
    if (!admit(ctx)) {
      op_.status = -ECANCELED;
      return false;
    }
    if (derived().start(*backend_)) return false;
    waiter_ = self;
    arm(ctx, std::min(ctx.deadline, limit_), name_of<Op>());
    return true;
  }

 protected:
  struct owned_op : Op {
    using Op::Op;
    io_awaiter* owner = nullptr;
  };

  owned_op op_;
  io* backend_ = nullptr;

 private:
  friend Derived;  // and nobody else derives from it
  explicit io_awaiter(instant limit) : wait_guard(&on_give_up), op_(&on_complete), limit_(limit) { op_.owner = this; }
  ~io_awaiter() = default;

  Derived& derived() { return static_cast<Derived&>(*this); }

  static void on_complete(ready_node& node) noexcept {
    io_awaiter& self = *static_cast<owned_op&>(node).owner;
    if (self.derived().start_again(*self.backend_)) return;
    self.disarm();
    self.resume(self.waiter_);
  }
  static void on_give_up(wait_guard& guard) noexcept {
    auto& self = static_cast<io_awaiter&>(guard);
    self.backend_->cancel(self.op_);
  }

  instant limit_;
  std::coroutine_handle<> waiter_;
};

}  // namespace assay::detail
