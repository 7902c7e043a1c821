// Real threads on real loops (epoll: ThreadSanitizer sees all of it). Latches decide the order, never a pause.
#include "stack/runtime/offload.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

std::unique_ptr<io> epoll() {
  auto backend = make_io({.kind = io_kind::epoll, .buffer_count = 1});
  EXPECT_TRUE(backend);
  return std::move(*backend);
}

class offload_test : public ::testing::Test {
 protected:
  ~offload_test() override { EXPECT_EQ(detail::live_frames(), frames_before_); }
  std::size_t frames_before_ = detail::live_frames();
  loop on_{epoll()};
};

task<result<int>> twice(offload_pool& pool, int value) {
  co_return co_await pool.run([value] { return 2 * value; });
}

task<result<void>> wait_on(offload_pool& pool, std::shared_ptr<std::latch> gate) {
  co_return co_await pool.run([gate] { gate->wait(); });
}

TEST_F(offload_test, runs_on_another_thread_and_resumes_on_the_loop) {
  offload_pool pool;
  auto body = [](offload_pool& threads) -> task<std::thread::id> {
    const std::thread::id here = std::this_thread::get_id();
    const result<std::thread::id> there = co_await threads.run([] { return std::this_thread::get_id(); });
    EXPECT_EQ(std::this_thread::get_id(), here);
    co_return there.value_or(here);
  };
  EXPECT_NE(on_.run(body(pool)), std::this_thread::get_id());
}

TEST_F(offload_test, what_is_posted_runs_for_nobody_and_is_refused_when_the_queue_is_full) {
  const auto gate = std::make_shared<std::latch>(1);
  const auto begun = std::make_shared<std::latch>(1);
  const auto ran = std::make_shared<std::atomic<int>>(0);
  {
    offload_pool pool({.threads = 1, .max_queued = 1});
    EXPECT_TRUE(pool.post([gate, begun] {
      begun->count_down();
      gate->wait();
    }));
    begun->wait();
    EXPECT_TRUE(pool.post([ran] { ++*ran; }));
    EXPECT_FALSE(pool.post([ran] { ++*ran; })) << "one is in line already";
    gate->count_down();
  }
  EXPECT_EQ(*ran, 1) << "the pool finishes what is queued";
}

task<result<bool>> blocks_sigterm(offload_pool& pool) {
  co_return co_await pool.run([] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return ::sigismember(&mask, SIGTERM) == 1;
  });
}

TEST_F(offload_test, its_threads_take_no_signals_whenever_it_was_made) {
  offload_pool pool({.threads = 1});
  EXPECT_EQ(on_.run(blocks_sigterm(pool)), true) << "a service would be killed by what is to drain it";
}

TEST_F(offload_test, carries_values_that_can_only_be_moved_and_void) {
  offload_pool pool;
  auto body = [](offload_pool& threads) -> task<int> {
    auto owned = std::make_unique<int>(5);
    result<std::unique_ptr<int>> back = co_await threads.run([held = std::move(owned)]() mutable {
      ++*held;
      return std::move(held);
    });
    EXPECT_TRUE(co_await threads.run([] {}));
    co_return back ? **back : 0;
  };
  EXPECT_EQ(on_.run(body(pool)), 6);
}

TEST_F(offload_test, an_exception_comes_out_of_the_await) {
  offload_pool pool;
  auto body = [](offload_pool& threads) -> task<void> {
    std::ignore = co_await threads.run([]() -> int { throw std::runtime_error("in the pool"); });
  };
  EXPECT_THROW(on_.run(body(pool)), std::runtime_error);
}

TEST_F(offload_test, sheds_when_the_queue_is_full) {
  offload_pool pool({.threads = 1, .max_queued = 2});
  auto body = [](offload_pool& threads) -> task<void> {
    auto gate = std::make_shared<std::latch>(1);
    auto running = std::make_shared<std::latch>(1);
    auto occupy = [](offload_pool& in, auto begun, auto until) -> task<result<void>> {
      co_return co_await in.run([begun, until] {
        begun->count_down();
        until->wait();
      });
    };
    scope children(co_await this_context());
    children.spawn(occupy(threads, running, gate));
    running->wait();  // blocks this loop, on purpose: the one thread is now busy
    children.spawn(wait_on(threads, gate));
    children.spawn(wait_on(threads, gate));
    EXPECT_EQ(threads.usage().queued, 2u);
    EXPECT_EQ(threads.usage().running, 1u);
    EXPECT_TRUE(failed_with(co_await twice(threads, 1), errc::limit));
    gate->count_down();
    EXPECT_TRUE(co_await children.join());
    EXPECT_EQ(co_await twice(threads, 21), 42);
    EXPECT_EQ(threads.usage().running, 0u);
    EXPECT_EQ(threads.counters().done, 4u);
    EXPECT_EQ(threads.counters().shed, 1u);
  };
  on_.run(body(pool));
}

TEST_F(offload_test, a_deadline_frees_the_caller_while_the_work_runs_on) {
  offload_pool pool({.threads = 1, .max_queued = 4});
  auto gate = std::make_shared<std::latch>(1);
  auto body = [](offload_pool& threads, std::shared_ptr<std::latch> until) -> task<void> {
    const instant soon = (co_await this_context()).on->now() + 1ms;
    EXPECT_TRUE(
        failed_with(co_await with_deadline(soon, wait_on(threads, until)), errc::timed_out, cancel_reason::deadline));
  };
  on_.run(body(pool, gate));
  gate->count_down();
}

TEST_F(offload_test, a_cancelled_caller_goes_on_and_queued_work_is_dropped) {
  offload_pool pool({.threads = 1, .max_queued = 4});
  std::atomic<bool> ran{false};
  auto body = [](offload_pool& threads, std::atomic<bool>& flag) -> task<void> {
    auto gate = std::make_shared<std::latch>(1);
    auto set = [](offload_pool& in, std::atomic<bool>& into) -> task<result<void>> {
      co_return co_await in.run([&into] { into = true; });
    };
    context& ctx = co_await this_context();
    scope busy(ctx);
    scope queued(ctx);
    busy.spawn(wait_on(threads, gate));
    queued.spawn(set(threads, flag));
    queued.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(failed_with(co_await queued.join(), errc::cancelled, cancel_reason::shutdown));
    EXPECT_FALSE(queued.spawn(set(threads, flag)));
    gate->count_down();
    EXPECT_TRUE(co_await busy.join());
    EXPECT_EQ(co_await twice(threads, 1), 2) << "behind it in the queue";
  };
  on_.run(body(pool, ran));
  EXPECT_FALSE(ran);
}

// Work that outlives the loop of its caller must not touch that loop.
TEST(offload_lifetime_test, a_pool_may_outlive_the_loops_it_serves) {
  offload_pool pool({.threads = 2, .max_queued = 64});
  auto gate = std::make_shared<std::latch>(1);
  {
    loop short_lived(epoll());
    auto body = [](offload_pool& threads, std::shared_ptr<std::latch> until) -> task<void> {
      const instant soon = (co_await this_context()).on->now() + 1ms;
      EXPECT_FALSE(co_await with_deadline(soon, wait_on(threads, until)));
    };
    short_lived.run(body(pool, gate));
  }
  gate->count_down();
}

task<int> sum_of_many(offload_pool& pool, int rounds) {
  int sum = 0;
  for (int i = 0; i < rounds; ++i) sum += (co_await twice(pool, i)).value_or(-1'000'000);
  co_return sum;
}

TEST(offload_threads_test, several_loops_share_one_pool) {
  offload_pool pool({.threads = 2, .max_queued = 64});
  constexpr int rounds = 500;
  std::vector<std::jthread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      loop on(epoll());
      right += on.run(sum_of_many(pool, rounds)) == rounds * (rounds - 1) ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(right, 3);
}

task<void> with_many_deadlines(offload_pool& pool, int rounds, int& ended) {
  loop& on = *(co_await this_context()).on;
  for (int i = 0; i < rounds; ++i) {
    const result<int> got = co_await with_deadline(on.now() + duration(i % 50 * 1000), twice(pool, i));
    EXPECT_TRUE(got ? *got == 2 * i : got.error().code == errc::timed_out || got.error().code == errc::limit);
    ended++;
  }
}

// Deadline and completion race on purpose, thousands of times; each wait ends exactly once.
TEST(offload_threads_test, deadlines_race_with_completions) {
  offload_pool pool({.threads = 2, .max_queued = 16});
  std::vector<std::jthread> threads;
  std::atomic<int> ended{0};
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      loop on(epoll());
      int mine = 0;
      on.run(with_many_deadlines(pool, 2000, mine));
      ended += mine;
    });
  }
  threads.clear();
  EXPECT_EQ(ended, 4000);
}

// Every loop ends right after its answer has come: the worker may still be inside post().
TEST(offload_threads_test, a_loop_may_end_as_soon_as_its_answer_is_there) {
  offload_pool pool({.threads = 2, .max_queued = 16});
  for (int round = 0; round < 300; ++round) {
    loop on(epoll());
    EXPECT_EQ(on.run(twice(pool, round)), 2 * round);
  }
}

}  // namespace
}  // namespace assay
