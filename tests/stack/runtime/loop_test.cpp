#include "stack/runtime/loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class loop_test : public sim_test {};

// Suspends until `count` posts have run on the loop's thread.
struct countdown : ready_node {
  explicit countdown(int n) : ready_node(&on_ready), left(n) {}
  static void on_ready(ready_node& node) noexcept { static_cast<countdown&>(node).waiter.resume(); }
  bool await_ready() const noexcept { return left == 0; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> self) noexcept {
    on = self.promise().ctx->on;
    waiter = self;
  }
  void await_resume() const noexcept {}
  void one() {
    if (--left == 0 && waiter) on->schedule(*this);
  }
  int left;
  loop* on = nullptr;
  std::coroutine_handle<> waiter;
};

task<void> wait_for(countdown& all) { co_await all; }

TEST_F(loop_test, posted_closures_run_on_the_loop_in_the_order_of_each_thread) {
  constexpr int threads = 4;
  constexpr int posts = 2000;
  countdown all(threads * posts);
  std::vector<std::vector<int>> seen(threads);  // written on the loop's thread alone
  std::vector<std::jthread> posters;
  for (int t = 0; t < threads; ++t) {
    posters.emplace_back([this, t, &all, &seen] {
      for (int i = 0; i < posts; ++i) {
        on_.post([t, i, &all, &seen] {
          seen[static_cast<std::size_t>(t)].push_back(i);
          all.one();
        });
      }
    });
  }
  on_.run(wait_for(all));
  for (const std::vector<int>& of_thread : seen) {
    ASSERT_EQ(of_thread.size(), static_cast<std::size_t>(posts));
    for (int i = 0; i < posts; ++i) ASSERT_EQ(of_thread[static_cast<std::size_t>(i)], i);
  }
}

// The poster is still inside post() when its closure ends the loop: the loop must outlive the call.
TEST(loop_lifetime_test, a_loop_may_end_while_its_poster_is_still_in_post) {
  for (int round = 0; round < 300; ++round) {
    std::atomic<loop*> shared{nullptr};
    bool ran = false;  // on the loop's thread alone
    std::jthread poster([&shared, &ran] {
      loop* target = nullptr;
      while ((target = shared.load(std::memory_order_acquire)) == nullptr) std::this_thread::yield();
      target->post([&ran] { ran = true; });
    });
    auto backend = make_io({.kind = io_kind::epoll, .buffer_count = 1});
    ASSERT_TRUE(backend);
    loop on(std::move(*backend));  // goes before the thread is joined
    auto body = [](std::atomic<loop*>& to, loop* self, const bool& done) -> task<void> {
      to.store(self, std::memory_order_release);
      while (!done) co_await yield();
    };
    on.run(body(shared, &on, ran));
  }
}

TEST_F(loop_test, closures_posted_after_the_end_still_run_when_the_loop_goes) {
  bool first = false;
  bool second = false;
  {
    loop other(std::make_unique<sim_io>());
    other.post([&] {
      first = true;
      other.post([&] { second = true; });
    });
  }
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

TEST_F(loop_test, ready_work_is_cut_into_batches_so_that_io_gets_its_turn) {
  auto backend = std::make_unique<sim_io>();
  loop small(std::move(backend), {.max_turn_batch = 4});
  auto body = [](int count) -> task<void> {
    scope children(co_await this_context());
    auto child = []() -> task<void> { co_await yield(); };
    for (int i = 0; i < count; ++i) children.spawn(child());
    std::ignore = co_await children.join();
  };
  small.run(body(40));
  EXPECT_GE(small.counters().turns, 10u);
  EXPECT_GE(small.counters().resumed, 40u);
}

struct reading {
  duration turn;     // the begin of the turn
  duration backlog;  // and since when there is a backlog, both since the begin of the work
  friend bool operator==(const reading&, const reading&) = default;
};

// A millisecond of computing.
task<void> work_once(sim_io* world, instant began, std::vector<reading>* into) {
  co_await yield();
  const loop& on = *(co_await this_context()).on;
  world->pass(1ms);
  into->push_back({on.turn_time() - began, on.backlog_since() - began});
}

task<void> work_ten_times(sim_io* world, std::vector<reading>* into) {
  context& ctx = co_await this_context();
  std::ignore = co_await delay_for(1s);
  const instant began = ctx.on->turn_time();
  scope children(ctx);
  for (int i = 0; i < 10; ++i) children.spawn(work_once(world, began, into));
  std::ignore = co_await children.join();
  std::ignore = co_await delay_for(1s);
  const instant later = ctx.on->turn_time();
  into->push_back({later - later, ctx.on->backlog_since() - later});
}

TEST_F(loop_test, a_backlog_is_as_old_as_the_first_turn_that_left_something_over) {
  auto backend = std::make_unique<sim_io>();
  sim_io* const world = backend.get();
  loop small(std::move(backend), {.max_turn_batch = 4});
  std::vector<reading> seen;
  small.run(work_ten_times(world, &seen));
  ASSERT_EQ(seen.size(), 11u);
  // The first turn begins with the task itself.
  const std::vector<duration> turns{0ms, 0ms, 0ms, 3ms, 3ms, 3ms, 3ms, 7ms, 7ms, 7ms};
  for (std::size_t i = 0; i < turns.size(); ++i) EXPECT_EQ(seen[i], (reading{turns[i], 0ms})) << i;
  EXPECT_EQ(seen.back(), (reading{0ms, 0ms})) << "it ended with the queue";

  world->pass(1h);
  const auto since = []() -> task<instant> { co_return (co_await this_context()).on->backlog_since(); };
  EXPECT_EQ(small.run(since()), world->now()) << "what lies before a run is none";
}

}  // namespace
}  // namespace assay
