// Threads for what must not run on a loop: CPU-bound work and calls that block (getaddrinfo, fsync).
//
//   result<digest> d = co_await pool.run([bytes = std::move(body)] { return sha256(bytes); });
//
// Bounded: when the queue is full it sheds at once with errc::limit instead of queueing without end. A caller whose
// deadline passes goes on at once; work not yet started is dropped, work that has started runs to its end and its
// result is dropped, so the closure must own everything it touches. A pool may serve several loops, and outlive them.
//
// Misuse: capturing a reference to the coroutine's frame; after a timeout the frame may be gone while the work runs.
// Under simulated I/O, virtual time does not wait for a thread: a deadline there passes before any work is done.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "stack/runtime/unobserved.hpp"
#include "stack/runtime/wait.hpp"

namespace assay {

struct offload_options {
  unsigned threads = 2;
  std::size_t max_queued = 256;
};

struct offload_counters {
  std::uint64_t done = 0;     // ran to its end, whether anybody still waited or not
  std::uint64_t dropped = 0;  // not begun: its caller had gone
  std::uint64_t shed = 0;     // the queue was full
};

struct offload_usage {
  std::size_t queued = 0;
  std::size_t running = 0;
};

class offload_pool {
 public:
  explicit offload_pool(offload_options options = {});
  // Finishes what is queued and joins its threads. Every caller must have been resumed before.
  ~offload_pool();
  offload_pool(const offload_pool&) = delete;
  offload_pool& operator=(const offload_pool&) = delete;

  // Runs `work` on a thread of the pool and resumes on the caller's loop. An exception of `work` comes out of the
  // co_await; when the caller has gone on it is reported (unobserved.hpp).
  template <class Work, class T = std::invoke_result_t<Work&>>
  task<result<T>> run(Work work, std::source_location where = std::source_location::current());

  // Runs `work` for nobody: it owns all that it touches, and does not throw. False, and it does not run, when the queue
  // is full.
  bool post(std::move_only_function<void()> work) { return submit(std::make_shared<job>(std::move(work))); }

  // From any thread; what has come back to its caller is counted.
  offload_counters counters() const;
  offload_usage usage() const;

 private:
  // Who goes first decides: after `returning` the loop must wait for the job, which is about to be posted; after
  // `abandoned` the worker must not touch the loop, which may be gone.
  enum class job_state : std::uint8_t { running, returning, abandoned };

  // Shared by the waiting coroutine and the worker; whoever comes last frees it.
  struct job : ready_node {
    explicit job(std::move_only_function<void()> body) : ready_node(&on_done), work(std::move(body)) {}
    static void on_done(ready_node& node) noexcept;
    std::move_only_function<void()> work;
    loop* home = nullptr;           // none: nobody waits for it
    std::shared_ptr<job> self;      // keeps it alive on its way back to the loop
    ready_node* waiting = nullptr;  // the awaiter, which waits for as long as the job is not abandoned
    std::atomic<job_state> state{job_state::running};
  };
  class job_awaiter;

  bool submit(std::shared_ptr<job> added);
  void serve();
  std::shared_ptr<job> take();
  static void hand_back(std::shared_ptr<job> done);

  offload_options options_;
  mutable std::mutex mutex_;
  std::condition_variable work_or_stop_;
  std::deque<std::shared_ptr<job>> queue_;
  std::size_t running_ = 0;
  offload_counters counters_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

class offload_pool::job_awaiter : detail::wait_guard, ready_node {
 public:
  job_awaiter(offload_pool& pool, std::shared_ptr<job> work)
      : wait_guard(&on_give_up), ready_node(&on_ready), pool_(pool), job_(std::move(work)) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    context& ctx = *self.promise().ctx;
    if (!admit(ctx)) return false;
    waiter_ = self;
    job_->home = ctx.on;
    job_->waiting = this;
    if (!pool_.submit(job_)) {
      shed_ = true;
      return false;
    }
    started_ = true;
    arm(ctx, ctx.deadline, "work on a pool");
    return true;
  }
  result<void> await_resume() const {
    if (shed_) return std::unexpected(error{.code = errc::limit, .what = "offload queue full"});
    if (abandoned_ || !started_) return std::unexpected(failure("offload"));
    return {};
  }

 private:
  static void on_ready(ready_node& node) noexcept {
    auto& self = static_cast<job_awaiter&>(node);
    self.disarm();
    self.resume(self.waiter_);
  }
  static void on_give_up(wait_guard& guard) noexcept {
    auto& self = static_cast<job_awaiter&>(guard);
    job_state before = job_state::running;
    self.abandoned_ = self.job_->state.compare_exchange_strong(before, job_state::abandoned, std::memory_order_acq_rel);
    if (self.abandoned_) self.job_->home->schedule(self);  // else the result is on its way
  }

  offload_pool& pool_;
  std::shared_ptr<job> job_;
  std::coroutine_handle<> waiter_;
  bool shed_ = false;
  bool started_ = false;
  bool abandoned_ = false;
};

template <class Work, class T>
task<result<T>> offload_pool::run(Work work, std::source_location where) {
  struct state {
    state(Work w, const std::source_location& place) : body(std::move(w)), spawned(place) {}
    ~state() {
      if (outcome.exception) report_unobserved({.where = spawned, .failure = {}, .thrown = outcome.exception});
    }
    Work body;
    std::source_location spawned;
    detail::outcome<T> outcome;
  };
  auto shared = std::make_shared<state>(std::move(work), where);
  auto added = std::make_shared<job>([shared] {
    try {
      if constexpr (std::is_void_v<T>) {
        shared->body();
      } else {
        shared->outcome.value.emplace(shared->body());
      }
    } catch (...) {
      shared->outcome.exception = std::current_exception();
    }
  });
  const result<void> done = co_await job_awaiter(*this, std::move(added));
  if (!done) co_return std::unexpected(done.error());
  if (shared->outcome.exception) std::rethrow_exception(std::exchange(shared->outcome.exception, nullptr));
  if constexpr (std::is_void_v<T>) {
    co_return result<void>{};
  } else {
    co_return std::move(*shared->outcome.value);
  }
}

}  // namespace assay
