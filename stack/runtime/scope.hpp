// Structured concurrency: children that run at the same time as their parent and never outlive it.
//
//   task<result<void>> both(net::stream& a, net::stream& b) {
//     scope children(co_await this_context());
//     children.spawn(pump(a, b));
//     children.spawn(pump(b, a));
//     co_return co_await children.join();   // waits for both; the first failure has cancelled the other
//   }
//
// States as in std::execution::counting_scope (C++26): open -> closed -> joined. There is no detached spawn.
//
// Misuse: leaving the block without `co_await join()`. The children would run on in a dead frame, or their failures
// would be lost: the destructor prints where each live child was spawned, and aborts, also when every child happens to
// have ended. Do not co_return early between spawn and join.
#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>

#include "stack/runtime/loop.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay {

class scope {
 public:
  explicit scope(context& parent);
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;
  ~scope();

  // Starts `child` inline, up to its first wait. False, and the child is destroyed unrun, when the scope is closed or
  // cancelled: a server that is draining takes no new work.
  bool spawn(task<void> child, std::source_location where = std::source_location::current());
  // A child that ends with a failure cancels its siblings with sibling_failed; join() returns the first failure.
  // Another one of another kind is reported (unobserved.hpp), with the place of the spawn.
  bool spawn(task<result<void>> child, std::source_location where = std::source_location::current());

  // Asks every child to stop, and refuses new ones.
  void cancel(cancel_reason why) noexcept { cancel_.cancel(why); }
  // Refuses new children; those that run go on.
  void close() noexcept { closed_ = true; }

  // Closes the scope and waits until every child has ended. Not itself cancellable: that is the guarantee. An
  // exception that left a child (a bug) comes out here.
  [[nodiscard]] auto join() { return join_awaiter{{}, this}; }

  std::size_t live() const { return live_; }
  // What each child is given a copy of: set what all of them are to inherit before the first spawn.
  context& child_context() { return ctx_; }

 private:
  struct child_runner;
  struct child_record : task_record {
    context own;  // the child's
  };
  struct join_awaiter {
    std::coroutine_handle<> waiter;
    scope* self;
    bool await_ready() const noexcept {
      self->closed_ = true;
      return self->live_ == 0;
    }
    void await_suspend(std::coroutine_handle<> parent) noexcept { self->on_join(parent); }
    result<void> await_resume() { return self->joined(); }
  };
  struct wake_node : ready_node {
    explicit wake_node(scope* self) : ready_node(&on_ready), owner(self) {}
    static void on_ready(ready_node& node) noexcept { static_cast<wake_node&>(node).owner->resume_joining(); }
    scope* owner;
  };

  static child_runner run_child(scope* self, task<result<void>> child);
  bool start(task<result<void>> child, std::source_location where);
  void on_child_end(child_record& record, const result<void>& outcome, const std::exception_ptr& thrown) noexcept;
  void keep_or_report(const unobserved_failure& ended) noexcept;
  void on_join(std::coroutine_handle<> parent) noexcept;
  void resume_joining() noexcept;
  result<void> joined();

  cancel_scope cancel_;
  context ctx_;
  std::size_t live_ = 0;
  bool closed_ = false;
  bool started_ = false;
  bool joined_ = false;
  std::optional<unobserved_failure> first_failure_;
  std::exception_ptr thrown_;
  std::coroutine_handle<> joining_;
  wake_node wake_;
};

}  // namespace assay
