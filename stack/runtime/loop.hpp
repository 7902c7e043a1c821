// One loop a thread: run what is ready, fire timers, submit once, wait once.
//
//   auto backend = make_io();
//   loop on(std::move(*backend));
//   int exit_code = on.run(main_task(...));   // returns when main_task has finished
//
// Misuse: touching a loop, or anything that waits on it, from another thread. Only post() and the functions of
// io::wake may be called from elsewhere.
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>

#include "stack/runtime/cancel.hpp"
#include "stack/runtime/context.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/pulse.hpp"
#include "stack/runtime/ready.hpp"
#include "stack/runtime/task.hpp"
#include "stack/runtime/timer_wheel.hpp"

namespace assay {

struct loop_options {
  // How much is run before the kernel is asked again: a burst of ready work must not starve I/O and timers.
  std::size_t max_turn_batch = 256;
  // Poll without sleeping when the next timer is this near; 0 always sleeps. Buys pacing precision with CPU.
  duration spin_window = duration::zero();
};

struct loop_counters {
  std::uint64_t turns = 0;    // poll() calls
  std::uint64_t resumed = 0;  // things run from the ready queue
  duration spun{};            // time spent polling without sleeping, within spin_window
  duration waited{};          // time in poll() with nothing to run: idle, but for what the kernel did of its own there
};

class loop {
 public:
  explicit loop(std::unique_ptr<io> backend, loop_options options = {});
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  // Runs `main` and everything it starts to its end. Exceptions of `main` come out here.
  template <class T>
  T run(task<T> main, std::source_location where = std::source_location::current());

  instant now() { return io_->now(); }
  // The time at the start of the current batch: free, and precise enough for timeouts.
  instant turn_time() const { return turn_time_; }
  // That of the batch before: since then nothing shows that the thread ran.
  instant previous_turn_time() const { return previous_turn_time_; }
  // Since when there has always been something left over: the begin of the first of the turns that did not come to the
  // end of what was ready; turn_time() where the last one did. now() - backlog_since() is the longest that what runs
  // now can have been in the loop's queue, now() - turn_time() the shortest. What came to the kernel during the turn
  // before has waited for the rest of that besides. A task that yields for ever keeps the end from being reached.
  instant backlog_since() const { return backlog_since_; }

  io& backend() { return *io_; }
  timer_wheel& timers() { return timers_; }
  context& root() { return root_; }
  const loop_counters& counters() const { return counters_; }

  // Every live task, each after the one that spawned it.
  const intrusive_list<task_record>& tasks() const { return tasks_; }
  // For the runtime: whose code runs from here on, a task's birth, and its end.
  task_record* running() const { return pulse_.running.load(std::memory_order_relaxed); }
  void enter(task_record* task) noexcept { pulse_.running.store(task, std::memory_order_relaxed); }
  void add(task_record& born) { tasks_.push_back(born); }
  void remove(task_record& ended) noexcept {
    if (running() == &ended) enter(nullptr);
    ended.unlink();
  }

  // Runs `node` in a later turn; from the loop's thread.
  void schedule(ready_node& node) { ready_.push(node); }

  // Runs `node` on the loop's thread; from any thread, and without allocation. The node must live until it ran.
  void post(ready_node& node) noexcept;
  // The same for a closure.
  void post(std::move_only_function<void()> work);

 private:
  void begin_run(const std::source_location& where);
  void end_run() noexcept;
  void drive(const bool& finished);
  void turn();
  void run_ready();
  void take_posted();
  instant wait_until();
  void drain_posted();

  std::unique_ptr<io> io_;
  loop_options options_;
  instant turn_time_;
  instant previous_turn_time_;
  instant backlog_since_;
  timer_wheel timers_;
  ready_queue ready_;
  std::atomic<ready_node*> posted_{nullptr};
  std::atomic<unsigned> posting_{0};  // threads inside post(): the loop may not go before they have left
  loop_counters counters_;
  cancel_scope root_cancel_;
  context root_;
  loop_pulse pulse_;
  task_record main_;
  intrusive_list<task_record> tasks_;
};

namespace detail {

// Starts a task from outside of a coroutine; the frame frees itself after it has set the flag.
struct root_runner {
  struct promise_type {
    context* ctx = nullptr;
    root_runner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};

template <class T>
struct outcome {
  std::optional<T> value;
  std::exception_ptr exception;
  bool finished = false;
};
template <>
struct outcome<void> {
  std::exception_ptr exception;
  bool finished = false;
};

template <class T>
root_runner run_into(task<T> main, outcome<T>* into) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(main);
    } else {
      into->value.emplace(co_await std::move(main));
    }
  } catch (...) {
    into->exception = std::current_exception();
  }
  into->finished = true;
}

}  // namespace detail

template <class T>
T loop::run(task<T> main, std::source_location where) {
  detail::outcome<T> outcome;
  detail::root_runner runner = detail::run_into(std::move(main), &outcome);
  runner.frame.promise().ctx = &root_;
  {
    const detail::running_loop here(pulse_);
    begin_run(where);
    runner.frame.resume();
    drive(outcome.finished);
    end_run();
  }
  runner.frame.destroy();
  if (outcome.exception) std::rethrow_exception(outcome.exception);
  if constexpr (!std::is_void_v<T>) return std::move(*outcome.value);
}

}  // namespace assay
