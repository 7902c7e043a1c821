// The sending side of a connection: a cork buffer and at most one send in flight.
//
// Messages are appended and kicked off; nobody waits for the single send, so replies to pipelined requests leave
// together and the reader goes on at once. Whoever produces much waits for flushed(): that is the backpressure.
//
//   writer.append(head); writer.append(body);
//   writer.kick(deadline);                    // starts sending unless a send is in flight, which then takes it along
//   co_await writer.flushed();                // optional: everything is with the kernel, or why not
//
// Misuse: destroying it while a send is in flight. `co_await stop()` first; the destructor aborts.
#pragma once

#include <coroutine>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "stack/net/stream.hpp"
#include "stack/runtime/precondition.hpp"

namespace assay::net {

class writer {
 public:
  // `on_failure` hears once that sending has failed (also by its deadline); it must not destroy the writer.
  writer(loop& on, stream& to, std::move_only_function<void()> on_failure)
      : op_(this), timer_(this), on_(on), to_(to), on_failure_(std::move(on_failure)) {}
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;
  ~writer() { ASSAY_PRECONDITION(!in_flight(), "stop() the writer before it goes"); }

  // Where to append; nothing is sent before kick().
  std::string& buffer() { return filling_; }
  void append(std::string_view bytes) { filling_.append(bytes); }
  // Bytes not yet with the kernel.
  std::size_t pending_bytes() const { return filling_.size() + op_.bytes.size(); }

  bool in_flight() const { return sending_; }
  bool failed() const { return failure_.has_value(); }
  const std::optional<error>& failure() const { return failure_; }

  // Starts sending what is buffered. The send under way, and what it takes along, must end by `deadline`.
  void kick(instant deadline) {
    deadline_ = deadline;
    if (!sending_ && !failure_) return send_next();
    if (sending_ && !filling_.empty()) on_.backend().want(op_);
  }

  // Resumes when all is with the kernel, or sending has failed. Bounded by the deadline of kick().
  [[nodiscard]] auto flushed() { return flushed_awaiter{this}; }

  // Gives up what is in flight: flushed() fails soon. Nothing can be sent afterwards.
  void give_up(cancel_reason why) noexcept {
    if (!failure_) failure_ = error{.code = errc::cancelled, .reason = why, .what = "send"};
    if (sending_) on_.backend().cancel(op_);
  }
  // The same, and waits for its end.
  task<void> stop() {
    on_failure_ = nullptr;
    give_up(cancel_reason::user);
    co_await flushed();
  }

  // Lets go of the memory that a large message left behind, or leaves once it is with the kernel.
  void shrink(std::size_t keep_bytes) {
    keep_bytes_ = keep_bytes;
    if (filling_.empty() && filling_.capacity() > keep_bytes) std::string().swap(filling_);
    if (!sending_ && leaving_.capacity() > keep_bytes) std::string().swap(leaving_);
  }
  std::size_t memory_bytes() const { return filling_.capacity() + leaving_.capacity(); }

 private:
  struct send : send_op {
    explicit send(writer* self) : send_op(&on_complete), owner(self) {}
    static void on_complete(ready_node& node) noexcept { static_cast<send&>(node).owner->completed(); }
    writer* owner;
  };
  struct deadline_timer : timer_node {
    explicit deadline_timer(writer* self) : timer_node(&on_deadline), owner(self) {}
    static void on_deadline(timer_node& node) noexcept {
      writer& self = *static_cast<deadline_timer&>(node).owner;
      self.timed_out_ = true;
      self.on_.backend().cancel(self.op_);
    }
    writer* owner;
  };
  struct flushed_awaiter {
    writer* self;
    bool await_ready() const noexcept { return !self->sending_ && (self->filling_.empty() || self->failed()); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) const noexcept {
      ASSAY_PRECONDITION(!self->waiter_, "one task waits for a writer");
      ASSAY_PRECONDITION(self->sending_, "kick() before flushed(): nothing would ever end the wait");
      self->waiter_ = waiter;
      self->waiting_ = waiter.promise().ctx->task;
      self->waiting_->awaiting = "what it sent to be taken";
      self->waiting_->awaiting_since = self->on_.turn_time();
      self->on_.backend().want(self->op_);
    }
    result<void> await_resume() const {
      if (self->failure_) return std::unexpected(*self->failure_);
      return {};
    }
  };

  void send_next() {
    while (!filling_.empty()) {
      leaving_.clear();
      leaving_.swap(filling_);
      keep_bytes_ = SIZE_MAX;
      op_.bytes = {leaving_.data(), leaving_.size()};
      op_.at_once = true;
      if (!push()) return;
      if (failure_) return;
    }
  }

  // Offers op_.bytes to the backend; false when the operation is pending.
  bool push() {
    while (!op_.bytes.empty()) {
      if (!on_.backend().send(to_.socket(), op_)) {
        sending_ = true;
        if (!op_.at_once && deadline_ != never) on_.timers().arm(timer_, deadline_);
        if (waiter_) on_.backend().want(op_);
        return false;
      }
      if (!took_some()) return true;
    }
    return true;
  }

  // Accounts for a completed send; false when it failed.
  bool took_some() {
    const bool no_room = op_.at_once && op_.status == -EAGAIN;
    if (op_.status > 0) op_.bytes = op_.bytes.subspan(static_cast<std::size_t>(op_.status));
    if (no_room || op_.status > 0) {
      op_.at_once = false;  // what is left waits for room
      return true;
    }
    op_.bytes = {};
    filling_.clear();
    if (failure_) return false;
    failure_ = timed_out_ ? error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "send"}
                          : from_errno(-op_.status, "send");
    if (on_failure_) on_failure_();
    return false;
  }

  void completed() {
    sending_ = false;
    on_.timers().disarm(timer_);
    if (took_some() && !failure_ && push()) send_next();
    if (sending_) return;
    if (failure_) op_.bytes = {};
    shrink(keep_bytes_);
    if (waiter_) resume_waiter();
  }

  void resume_waiter() {
    waiting_->awaiting = nullptr;
    on_.enter(waiting_);
    std::exchange(waiter_, {}).resume();
  }

  send op_;
  deadline_timer timer_;
  loop& on_;
  stream& to_;
  std::move_only_function<void()> on_failure_;
  std::string filling_;
  std::string leaving_;                // with the backend: not touched until the send has completed
  std::size_t keep_bytes_ = SIZE_MAX;  // asked for since the last message
  instant deadline_ = never;
  bool sending_ = false;
  bool timed_out_ = false;
  std::optional<error> failure_;
  std::coroutine_handle<> waiter_;
  task_record* waiting_ = nullptr;  // its task
};

}  // namespace assay::net
