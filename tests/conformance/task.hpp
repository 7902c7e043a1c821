// The smallest task<T> that behaves as the stack's own does, and the leaf operations the cases await.
//
// A task is lazy. Awaiting one starts it in line: await_suspend resumes the child and returns false when the
// child has finished, so that a loop of a million synchronously completing children needs no tail calls and
// no stack. A child that suspended transfers to its parent when it finishes.
//
// Misuse: awaiting a task twice, or destroying one while its leaf operation is queued without
// drop_suspended().
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <utility>

#include "tests/conformance/harness.hpp"

namespace conformance {

/// Selects how checkpoint completes from here on.
void set_completion(completion mode);

/// True when checkpoint suspends.
bool leaf_suspends();

/// Queues a suspended coroutine; resume_next resumes the oldest one, or returns false when there is none.
void queue_suspended(std::coroutine_handle<> suspended);
bool resume_next();

/// Forgets the queued coroutines without resuming them, and returns how many there were.
std::size_t drop_suspended();

/// The leaf operation: completes in line or suspends until run() resumes it.
struct checkpoint {
  bool await_ready() const noexcept { return !leaf_suspends(); }
  void await_suspend(std::coroutine_handle<> self) const { queue_suspended(self); }
  void await_resume() const noexcept {}
};

struct promise_base {
  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      // While the parent is still inside await_suspend it goes on by itself when that returns false.
      if (self.promise().starting) return std::noop_coroutine();
      return self.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  static void* operator new(std::size_t size_bytes) {
    count_frame_created();
    return ::operator new(size_bytes);
  }
  static void operator delete(void* frame, std::size_t size_bytes) noexcept {
    count_frame_destroyed();
    ::operator delete(frame, size_bytes);
  }

  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }

  std::coroutine_handle<> continuation = std::noop_coroutine();
  std::exception_ptr error;
  bool starting = false;
};

template <class T>
struct result_promise : promise_base {
  template <class U>
  void return_value(U&& given) {
    result.emplace(std::forward<U>(given));
  }
  T take() {
    if (error) std::rethrow_exception(error);
    if (!result) throw case_failed("a coroutine finished without running its body: no result");
    return std::move(*result);
  }
  std::optional<T> result;
};

template <>
struct result_promise<void> : promise_base {
  void return_void() noexcept {}
  void take() const {
    if (error) std::rethrow_exception(error);
  }
};

template <class T>
class [[nodiscard]] task {
 public:
  struct promise_type : result_promise<T> {
    task get_return_object() { return task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&&) = delete;
  ~task() {
    if (frame_) frame_.destroy();
  }

  struct awaiter {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> parent) const {
      frame.promise().continuation = parent;
      frame.promise().starting = true;
      frame.resume();
      frame.promise().starting = false;
      return !frame.done();
    }
    T await_resume() const { return frame.promise().take(); }

    std::coroutine_handle<promise_type> frame;
  };
  awaiter operator co_await() && noexcept { return awaiter{frame_}; }

  /// For the root of a case: runs to the first suspension; then whether it has finished; then its result.
  void start() { frame_.resume(); }
  bool done() const { return frame_.done(); }
  T take() { return frame_.promise().take(); }

 private:
  explicit task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

/// Runs a root task to its end and returns its result or rethrows its exception.
template <class T>
T run(task<T> root) {
  root.start();
  while (resume_next()) {
  }
  if (!root.done()) throw case_failed("the coroutine never finished");
  return root.take();
}

/// A child that returns what it was given, after one leaf operation.
template <class T>
task<T> give(T value) {
  co_await checkpoint{};
  co_return std::move(value);
}

/// Children that read a tracked object after one leaf operation.
inline task<int> read_value(tracked object) {
  co_await checkpoint{};
  co_return object.value();
}
inline task<int> read_reference(const tracked& object) {
  co_await checkpoint{};
  co_return object.value();
}

}  // namespace conformance
