#include "stack/runtime/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "stack/runtime/task_function.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class task_test : public sim_test {};

task<int> number(int value) { co_return value; }

task<int> yielding_number(int value) {
  co_await yield();
  co_return value;
}

TEST_F(task_test, gives_its_value_to_whoever_awaits_it) { EXPECT_EQ(on_.run(number(7)), 7); }

TEST_F(task_test, is_lazy) {
  bool ran = false;
  auto body = [](bool& flag) -> task<void> {
    flag = true;
    co_return;
  };
  {
    const task<void> never_awaited = body(ran);
    EXPECT_TRUE(never_awaited.valid());
  }
  EXPECT_FALSE(ran);
  on_.run(body(ran));
  EXPECT_TRUE(ran);
}

TEST_F(task_test, moves_results_that_cannot_be_copied) {
  auto body = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
  EXPECT_EQ(*on_.run(body()), 3);
}

// With symmetric transfer alone this overflows the stack of unoptimised builds.
TEST_F(task_test, a_million_synchronous_children_need_constant_stack) {
  auto body = []() -> task<std::int64_t> {
    std::int64_t sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await number(i);
    co_return sum;
  };
  EXPECT_EQ(on_.run(body()), 999'999LL * 1'000'000 / 2);
}

TEST_F(task_test, children_that_suspend_need_constant_stack) {
  auto body = []() -> task<std::int64_t> {
    std::int64_t sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await yielding_number(1);
    co_return sum;
  };
  EXPECT_EQ(on_.run(body()), 100'000);
}

task<int> descend(int depth) {
  if (depth == 0) co_return co_await yielding_number(1);
  co_return 1 + co_await descend(depth - 1);
}

TEST_F(task_test, a_deep_chain_resumes_from_its_leaf) { EXPECT_EQ(on_.run(descend(500)), 501); }

task<int> thrower(bool suspends_first) {
  if (suspends_first) co_await yield();
  throw std::runtime_error("a bug");
}

task<int> between(bool suspends_first) { co_return co_await thrower(suspends_first) + 1; }

TEST_F(task_test, exceptions_pass_through_awaiting_tasks_and_out_of_run) {
  EXPECT_THROW(on_.run(between(false)), std::runtime_error);
  EXPECT_THROW(on_.run(between(true)), std::runtime_error);
}

TEST_F(task_test, an_exception_can_be_caught_by_the_parent) {
  auto body = []() -> task<std::string> {
    try {
      co_await between(true);
    } catch (const std::runtime_error& thrown) {
      co_return thrown.what();
    }
    co_return "";
  };
  EXPECT_EQ(on_.run(body()), "a bug");
}

task<instant> deadline_here() { co_return (co_await this_context()).deadline; }

TEST_F(task_test, a_deadline_is_inherited_and_never_later_than_the_parents) {
  auto body = [](instant outer, instant inner) -> task<instant> {
    auto child = [](instant at) -> task<instant> { co_return co_await with_deadline(at, deadline_here()); };
    co_return co_await with_deadline(outer, child(inner));
  };
  EXPECT_EQ(on_.run(deadline_here()), never);
  EXPECT_EQ(on_.run(body(after(10ms), after(3ms))), after(3ms));
  EXPECT_EQ(on_.run(body(after(10ms), after(30ms))), after(10ms));
}

TEST_F(task_test, the_narrowed_deadline_ends_with_the_child) {
  auto body = [](instant at) -> task<instant> {
    std::ignore = co_await with_deadline(at, deadline_here());
    co_return (co_await this_context()).deadline;
  };
  EXPECT_EQ(on_.run(body(after(1ms))), never);
}

TEST_F(task_test, identity_is_inherited_through_another_context) {
  auto body = []() -> task<std::uint64_t> {
    context mine = co_await this_context();
    mine.request_id = 42;
    auto leaf = []() -> task<std::uint64_t> { co_return (co_await this_context()).request_id; };
    co_return co_await with_context(mine, leaf());
  };
  EXPECT_EQ(on_.run(body()), 42u);
}

TEST_F(task_test, task_function_calls_what_it_holds) {
  const task_function<task<int>(int)> twice = [](int value) -> task<int> { co_return 2 * value; };
  const task_function<task<int>(int)> copy = twice;
  EXPECT_EQ(on_.run(copy(4)), 8);
  EXPECT_FALSE((task_function<task<int>(int)>{}));
}

using task_death_test = task_test;

TEST_F(task_death_test, awaiting_twice_is_refused) {
  auto body = []() -> task<int> {
    task<int> once = number(1);
    std::ignore = co_await std::move(once);
    co_return co_await std::move(once);
  };
  EXPECT_DEATH(on_.run(body()), "a task is awaited once");
}

TEST_F(task_death_test, awaiting_an_empty_task_is_refused) {
  auto body = []() -> task<int> {
    task<int> moved_from = number(1);
    const task<int> here = std::move(moved_from);
    co_return co_await std::move(moved_from);
  };
  EXPECT_DEATH(on_.run(body()), "a task is awaited once");
}

TEST_F(task_death_test, destroying_a_task_that_runs_is_refused) {
  const auto start_and_drop = [this] {
    task<int> running = yielding_number(1);
    EXPECT_TRUE(task<int>::start(running.frame(), std::noop_coroutine(), &on_.root()));
  };
  EXPECT_DEATH(start_and_drop(), "destroyed while it runs");
}

}  // namespace
}  // namespace assay
