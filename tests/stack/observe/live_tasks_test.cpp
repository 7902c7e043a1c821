#include "stack/observe/live_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "stack/runtime/channel.hpp"
#include "stack/runtime/semaphore.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::observe {
namespace {

using namespace testing_support;
using ::testing::HasSubstr;

class live_tasks_test : public sim_test {};

task<void> receives(channel<int>& from) { std::ignore = co_await from.receive(); }

task<void> has_a_child(channel<int>& from) {
  scope inner(co_await this_context());
  inner.child_context().request_id = 42;
  inner.spawn(receives(from));
  std::ignore = co_await inner.join();
}

task<void> needs_a_permit(semaphore& permits) { std::ignore = co_await permits.acquire(); }

task<std::vector<live_task>> a_tree(semaphore& permits, channel<int>& numbers) {
  scope children(co_await this_context());
  std::ignore = co_await delay_for(1s);
  children.spawn(has_a_child(numbers));
  std::ignore = co_await delay_for(1s);
  children.spawn(needs_a_permit(permits));
  std::ignore = co_await delay_for(500ms);
  std::vector<live_task> seen = live_tasks(*(co_await this_context()).on);
  children.cancel(cancel_reason::user);
  std::ignore = co_await children.join();
  co_return seen;
}

TEST_F(live_tasks_test, shows_who_spawned_what_and_what_it_waits_for) {
  semaphore permits(0, 8);
  channel<int> numbers(1);
  const std::vector<live_task> seen = on_.run(a_tree(permits, numbers));
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].depth, 0U);
  EXPECT_STREQ(seen[0].awaiting, "") << "it is the one that asks";
  EXPECT_EQ(seen[0].age, 2500ms);
  EXPECT_EQ(seen[1].depth, 1U);
  EXPECT_STREQ(seen[1].awaiting, "children");
  EXPECT_EQ(seen[1].age, 1500ms);
  EXPECT_EQ(seen[1].waits, 1500ms);
  EXPECT_THAT(seen[1].file, HasSubstr("live_tasks_test.cpp"));
  EXPECT_THAT(seen[1].spawned_by, HasSubstr("a_tree"));
  EXPECT_EQ(seen[2].depth, 2U);
  EXPECT_STREQ(seen[2].awaiting, "a value from a channel");
  EXPECT_THAT(seen[2].spawned_by, HasSubstr("has_a_child"));
  EXPECT_EQ(seen[2].request_id, 42U);
  EXPECT_EQ(seen[3].depth, 1U);
  EXPECT_STREQ(seen[3].awaiting, "a permit");
  EXPECT_EQ(seen[3].waits, 500ms);
  EXPECT_GT(seen[3].line, seen[1].line);
}

task<void> is_ready(semaphore& permits, loop& on, std::string& seen) {
  const result<permit> mine = co_await permits.acquire();
  seen = live_tasks(on).at(1).awaiting;
}

task<std::string> a_ready_task(semaphore& permits) {
  loop& on = *(co_await this_context()).on;
  std::string inside = "not run";
  scope children(co_await this_context());
  permit held = permits.try_acquire();
  children.spawn(is_ready(permits, on, inside));
  EXPECT_STREQ(live_tasks(on).at(1).awaiting, "a permit");
  held.release();
  EXPECT_STREQ(live_tasks(on).at(1).awaiting, "") << "it has its permit and is ready to run";
  std::ignore = co_await children.join();
  co_return inside;
}

TEST_F(live_tasks_test, a_task_that_could_run_waits_for_nothing) {
  semaphore permits(1, 8);
  EXPECT_EQ(on_.run(a_ready_task(permits)), "");
}

task<void> names_itself(loop& on, std::vector<const task_record*>& seen) {
  const task_record* const mine = (co_await this_context()).task;
  seen.push_back(on.running() == mine ? mine : nullptr);
  std::ignore = co_await delay_for(1ms);
  seen.push_back(on.running() == mine ? mine : nullptr);
  co_await yield();
  seen.push_back(on.running() == mine ? mine : nullptr);
}

task<void> two_at_a_time(std::vector<const task_record*>& seen) {
  context& ctx = co_await this_context();
  scope children(ctx);
  children.spawn(names_itself(*ctx.on, seen));
  EXPECT_EQ(ctx.on->running(), ctx.task) << "back with the spawner";
  children.spawn(names_itself(*ctx.on, seen));
  std::ignore = co_await children.join();
  EXPECT_EQ(ctx.on->running(), ctx.task) << "after a join as well";
}

TEST_F(live_tasks_test, the_loop_knows_whose_code_runs) {
  std::vector<const task_record*> seen;
  on_.run(two_at_a_time(seen));
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_THAT(seen, ::testing::Not(::testing::Contains(nullptr)));
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_EQ(on_.running(), nullptr);
}

TEST(live_tasks_text, is_a_line_a_task) {
  const std::vector<loop_tasks> all = {
      {.loop = 0,
       .answered = true,
       .live = 3,
       .tasks =
           {{.file = "main.cpp", .line = 7, .spawned_by = "main()", .awaiting = "children", .age = 1250ms, .waits = 1s},
            {.depth = 1, .file = "a.cpp", .line = 9, .spawned_by = "f()", .age = 1500us, .request_id = 255}}},
      {.loop = 1}};
  EXPECT_EQ(to_text(all),
            "loop 0: 3 tasks, listed: 2\n"
            "  main.cpp:7 by main(): awaiting children for 1.0 s, lives for 1.2 s\n"
            "    a.cpp:9 by f(): runs or is ready, lives for 1.5 ms, request 00000000000000ff\n"
            "loop 1: no answer, it is stalled\n");
}

// --- from another thread ---------------------------------------------------------------------------------------------

task<void> until_told(channel<int>& told, std::promise<void>& runs) {
  runs.set_value();
  std::ignore = co_await told.receive();
}

TEST(collect_live_tasks, asks_every_loop_that_runs) {
  channel<int> told(1);
  std::promise<void> runs;
  loop* on = nullptr;
  std::thread service([&] {
    loop here(std::move(*make_io({.kind = io_kind::epoll, .buffer_count = 1})));
    on = &here;
    here.run(until_told(told, runs));
  });
  runs.get_future().wait();
  const std::vector<loop_tasks> all = collect_live_tasks(10s);
  on->post([&told] { told.close(); });
  service.join();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0].answered);
  ASSERT_EQ(all[0].tasks.size(), 1U);
  EXPECT_STREQ(all[0].tasks[0].awaiting, "a value from a channel");
  EXPECT_TRUE(collect_live_tasks(10s).empty()) << "it has ended";
}

task<void> hold_the_loop(std::promise<void>& runs, std::shared_future<void> asked) {
  runs.set_value();
  asked.wait();
  co_return;
}

TEST(collect_live_tasks, does_not_wait_longer_than_it_may_for_a_stalled_loop) {
  std::promise<void> runs;
  std::promise<void> asked;
  std::thread service([&, told = asked.get_future().share()] {
    loop here(std::move(*make_io({.kind = io_kind::epoll, .buffer_count = 1})));
    here.run(hold_the_loop(runs, told));
  });
  runs.get_future().wait();
  const std::vector<loop_tasks> all = collect_live_tasks(20ms);
  asked.set_value();
  service.join();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_FALSE(all[0].answered);
}

}  // namespace
}  // namespace assay::observe
