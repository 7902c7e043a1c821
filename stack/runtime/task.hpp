// task<T>: a lazy coroutine, awaited exactly once, that inherits the context of whoever awaits it.
//
//   task<result<int>> answer(net::stream& peer) { co_return co_await ask(peer); }
//
// A child starts inline in its parent's co_await and completes through a flag when it never suspends, so a loop over a
// million synchronous children needs constant stack (no reliance on symmetric transfer for the way down).
//
// Misuse, refused or warned about by the compiler where it can be:
//   - a lambda with captures as a coroutine: captures live in the closure, not in the frame; pass state by value;
//   - references to temporaries as parameters of a task that is stored and awaited later;
//   - awaiting twice, or destroying a task that has started and not finished (aborts).
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "stack/runtime/context.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "stack/runtime/precondition.hpp"

#if defined(__clang__)
#define ASSAY_CORO_TASK [[nodiscard, clang::coro_return_type, clang::coro_lifetimebound]]
// Marks a plain function that returns a task without being a coroutine itself.
#define ASSAY_CORO_WRAPPER [[clang::coro_wrapper]]
#else
#define ASSAY_CORO_TASK [[nodiscard]]
#define ASSAY_CORO_WRAPPER
#endif

namespace assay {

template <class T>
class task;

namespace detail {

struct promise_base {
  context* ctx = nullptr;
  std::coroutine_handle<> continuation;
  std::exception_ptr exception;
  bool starting = false;  // the parent is still inside await_suspend: finish by flag, not by transfer

  static void* operator new(std::size_t size_bytes) { return allocate_frame(size_bytes); }
  static void operator delete(void* frame, std::size_t size_bytes) noexcept { free_frame(frame, size_bytes); }

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      promise_base& promise = self.promise();
      if (promise.starting) return std::noop_coroutine();
      return promise.continuation;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
};

template <class T>
struct task_promise : promise_base {
  std::optional<T> value;

  task<T> get_return_object() noexcept;
  template <class U>
    requires std::constructible_from<T, U&&>
  void return_value(U&& returned) {
    value.emplace(std::forward<U>(returned));
  }
  T take() { return std::move(result()); }
  // Where it is, for as long as the frame is there.
  T& result() {
    if (exception) std::rethrow_exception(exception);
    return *value;
  }
};

template <>
struct task_promise<void> : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace detail

template <class T = void>
class ASSAY_CORO_TASK task {
 public:
  using promise_type = detail::task_promise<T>;
  using handle_type = std::coroutine_handle<promise_type>;
  using value_type = T;

  task() noexcept = default;
  explicit task(handle_type frame) noexcept : frame_(frame) {}
  task(task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      reset();
      frame_ = std::exchange(other.frame_, {});
    }
    return *this;
  }
  ~task() { reset(); }

  bool valid() const noexcept { return static_cast<bool>(frame_); }

  struct awaiter {
    handle_type child;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
      return start(child, parent, parent.promise().ctx);
    }
    T await_resume() { return child.promise().take(); }
  };

  awaiter operator co_await() && noexcept {
    ASSAY_PRECONDITION(frame_, "a task is awaited once");
    return awaiter{frame_};
  }

  // For the runtime's own awaiters: starts `child` inline under `ctx`; false when it has already finished.
  static bool start(handle_type child, std::coroutine_handle<> parent, context* ctx) noexcept {
    promise_type& promise = child.promise();
    ASSAY_PRECONDITION(promise.ctx == nullptr, "a task is awaited once");
    promise.ctx = ctx;
    promise.continuation = parent;
    promise.starting = true;
    child.resume();
    if (child.done()) return false;
    promise.starting = false;
    return true;
  }
  handle_type frame() const noexcept { return frame_; }

 private:
  void reset() noexcept {
    if (!frame_) return;
    ASSAY_PRECONDITION(frame_.promise().ctx == nullptr || frame_.done(), "a task was destroyed while it runs");
    std::exchange(frame_, {}).destroy();
  }

  handle_type frame_;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}
inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

struct context_awaiter {
  context* ctx = nullptr;
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    ctx = self.promise().ctx;
    return false;
  }
  context& await_resume() const noexcept { return *ctx; }
};

// Runs a child under a context that the caller keeps alive.
template <class T>
struct context_switch_awaiter {
  task<T> child;
  context* under;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    return task<T>::start(child.frame(), parent, under);
  }
  T await_resume() { return child.frame().promise().take(); }
};

template <class T>
struct deadline_awaiter {
  task<T> child;
  instant at;
  context narrower;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    narrower = parent.promise().ctx->narrowed(at);
    return task<T>::start(child.frame(), parent, &narrower);
  }
  T await_resume() { return child.frame().promise().take(); }
};

}  // namespace detail

// context& ctx = co_await this_context();
[[nodiscard]] inline detail::context_awaiter this_context() noexcept { return {}; }

// Runs `child` under `ctx`, which must outlive it: how a part of a task gets a cancel scope of its own.
template <class T>
[[nodiscard]] detail::context_switch_awaiter<T> with_context(context& ctx, task<T> child) {
  return {std::move(child), &ctx};
}

// Runs `child` with a deadline no later than `at`: every wait inside it fails with errc::timed_out once that passes.
template <class T>
[[nodiscard]] detail::deadline_awaiter<T> with_deadline(instant at, task<T> child) {
  return {std::move(child), at, {}};
}

}  // namespace assay
