// A bounded queue between tasks of one loop. The bound is the backpressure: a sender waits when it is full.
//
//   channel<job> jobs(64);
//   co_await jobs.send(job{...});          // waits for room; fails when closed, cancelled or late
//   result<job> next = co_await jobs.receive();   // errc::closed once closed and empty
//
// First come, first served on both sides. Waiting is cancellable and ends at the context's deadline; a value is never
// lost: a send that fails has not queued anything.
//
// Misuse: destroying a channel with waiters (aborts), and use from two threads: it belongs to one loop.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include "stack/runtime/precondition.hpp"
#include "stack/runtime/wait.hpp"

namespace assay {

template <class T>
class channel {
 public:
  explicit channel(std::size_t capacity) : capacity_(capacity) {
    ASSAY_PRECONDITION(capacity > 0, "a channel has room for one value at least");
  }
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  // No value is taken after this; what is queued can still be received.
  void close() {
    closed_ = true;
    while (waiter* receiver = receivers_.pop_front()) receiver->wake();
    while (waiter* sender = senders_.pop_front()) sender->wake();
  }

  // False when full or closed; `value` is untouched then.
  bool try_send(T& value) {
    if (closed_) return false;
    if (waiter* receiver = receivers_.pop_front()) {
      receiver->value.emplace(std::move(value));
      receiver->wake();
      return true;
    }
    if (queue_.size() >= capacity_) return false;
    queue_.push_back(std::move(value));
    return true;
  }

  std::optional<T> try_receive() {
    if (queue_.empty()) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    if (waiter* sender = senders_.pop_front()) {  // its value takes the place that came free
      queue_.push_back(std::move(*sender->value));
      sender->value.reset();
      sender->wake();
    }
    return value;
  }

  std::size_t size() const { return queue_.size(); }
  bool closed() const { return closed_; }

 private:
  struct waiter : detail::wait_guard, ready_node, list_node {
    waiter(channel* c, std::optional<T> v)
        : wait_guard(&on_give_up), ready_node(&on_ready), on(c), value(std::move(v)) {}

    void wait(context& ctx, std::coroutine_handle<> self, intrusive_list<waiter>& in, const char* what) {
      owner = ctx.on;
      suspended = self;
      in.push_back(*this);
      arm(ctx, ctx.deadline, what);
    }
    void wake() {
      disarm();
      owner->schedule(*this);
    }
    static void on_ready(ready_node& node) noexcept {
      const auto& self = static_cast<waiter&>(node);
      self.resume(self.suspended);
    }
    static void on_give_up(detail::wait_guard& guard) noexcept {
      auto& self = static_cast<waiter&>(guard);
      if (self.list_node::linked()) self.list_node::unlink();
      self.wake();
    }

    channel* on;
    std::optional<T> value;  // a sender's while it waits; a receiver's once served
    loop* owner = nullptr;
    std::coroutine_handle<> suspended;
  };

  struct send_awaiter : waiter {
    send_awaiter(channel* c, T v) : waiter(c, std::move(v)) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
      context& ctx = *self.promise().ctx;
      if (!this->admit(ctx)) return false;
      if (this->on->try_send(*this->value)) {
        this->value.reset();
        return false;
      }
      if (this->on->closed_) return false;
      this->wait(ctx, self, this->on->senders_, "room in a channel");
      return true;
    }
    result<void> await_resume() {
      if (!this->value) return {};
      if (this->gave_up()) return std::unexpected(this->failure("channel send"));
      return std::unexpected(error{.code = errc::closed, .what = "channel send"});
    }
  };

  struct receive_awaiter : waiter {
    explicit receive_awaiter(channel* c) : waiter(c, std::nullopt) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
      context& ctx = *self.promise().ctx;
      this->value = this->on->try_receive();
      if (this->value || this->on->closed_ || !this->admit(ctx)) return false;
      this->wait(ctx, self, this->on->receivers_, "a value from a channel");
      return true;
    }
    result<T> await_resume() {
      if (this->value) return std::move(*this->value);
      if (this->gave_up()) return std::unexpected(this->failure("channel receive"));
      return std::unexpected(error{.code = errc::closed, .what = "channel receive"});
    }
  };

  std::size_t capacity_;
  bool closed_ = false;
  std::deque<T> queue_;
  intrusive_list<waiter> senders_;
  intrusive_list<waiter> receivers_;

 public:
  [[nodiscard]] send_awaiter send(T value) { return send_awaiter(this, std::move(value)); }
  [[nodiscard]] receive_awaiter receive() { return receive_awaiter(this); }
};

}  // namespace assay
