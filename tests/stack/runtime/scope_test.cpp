#include "stack/runtime/scope.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class scope_test : public sim_test {};

constexpr error refused{.code = errc::refused, .what = "child"};

task<void> sleeper(duration span, std::vector<duration>& log) {
  const result<void> slept = co_await delay_for(span);
  if (slept) log.push_back(span);
}

task<result<void>> fails_after(duration span) {
  std::ignore = co_await delay_for(span);
  co_return std::unexpected(refused);
}

task<result<void>> reports_its_end(duration span, result<void>& ended) {
  ended = co_await delay_for(span);
  co_return ended;
}

TEST_F(scope_test, children_run_at_the_same_time_and_join_waits_for_the_last) {
  std::vector<duration> log;
  auto body = [](std::vector<duration>& into) -> task<result<void>> {
    scope children(co_await this_context());
    for (const duration span : {3ms, 1ms, 2ms}) EXPECT_TRUE(children.spawn(sleeper(span, into)));
    EXPECT_EQ(children.live(), 3u);
    co_return co_await children.join();
  };
  EXPECT_TRUE(on_.run(body(log)));
  EXPECT_EQ(log, (std::vector<duration>{1ms, 2ms, 3ms}));
  EXPECT_EQ(elapsed(), 3ms);
}

TEST_F(scope_test, a_million_children_that_never_wait) {
  auto body = []() -> task<int> {
    int ran = 0;
    scope children(co_await this_context());
    auto child = [](int& count) -> task<void> {
      count++;
      co_return;
    };
    for (int i = 0; i < 1'000'000; ++i) children.spawn(child(ran));
    EXPECT_TRUE(co_await children.join());
    co_return ran;
  };
  EXPECT_EQ(on_.run(body()), 1'000'000);
}

TEST_F(scope_test, joining_without_children_does_not_wait) {
  auto body = []() -> task<result<void>> {
    scope children(co_await this_context());
    co_return co_await children.join();
  };
  EXPECT_TRUE(on_.run(body()));
}

TEST_F(scope_test, the_first_failure_cancels_the_siblings_and_comes_out_of_join) {
  result<void> sibling;
  auto body = [](result<void>& ended) -> task<result<void>> {
    scope children(co_await this_context());
    children.spawn(reports_its_end(1h, ended));
    children.spawn(fails_after(5ms));
    co_return co_await children.join();
  };
  EXPECT_TRUE(failed_with(on_.run(body(sibling)), errc::refused));
  EXPECT_TRUE(failed_with(sibling, errc::cancelled, cancel_reason::sibling_failed));
  EXPECT_EQ(elapsed(), 5ms);
}

TEST_F(scope_test, a_scope_whose_child_failed_takes_no_new_ones) {
  auto body = []() -> task<result<void>> {
    scope children(co_await this_context());
    EXPECT_TRUE(children.spawn(fails_after(0ms)));
    std::ignore = co_await delay_for(1ms);
    EXPECT_FALSE(children.spawn(fails_after(0ms)));
    co_return co_await children.join();
  };
  EXPECT_TRUE(failed_with(on_.run(body()), errc::refused));
}

TEST_F(scope_test, an_exception_of_a_child_comes_out_of_join_and_cancels_the_siblings) {
  result<void> sibling;
  auto body = [](result<void>& ended) -> task<void> {
    scope children(co_await this_context());
    auto thrower = []() -> task<void> {
      std::ignore = co_await delay_for(2ms);
      throw std::logic_error("a bug in a child");
    };
    children.spawn(reports_its_end(1h, ended));
    children.spawn(thrower());
    std::ignore = co_await children.join();
  };
  EXPECT_THROW(on_.run(body(sibling)), std::logic_error);
  EXPECT_TRUE(failed_with(sibling, errc::cancelled, cancel_reason::sibling_failed));
}

TEST_F(scope_test, spawn_after_close_returns_false_and_destroys_the_task_unrun) {
  auto token = std::make_shared<int>(0);
  auto body = [](std::shared_ptr<int> held) -> task<void> {
    auto child = [](std::shared_ptr<int> ran) -> task<void> {
      ++*ran;
      co_return;
    };
    scope children(co_await this_context());
    children.close();
    EXPECT_FALSE(children.spawn(child(held)));
    EXPECT_EQ(held.use_count(), 2);  // the test's and ours: the child's is gone
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body(token));
  EXPECT_EQ(*token, 0);
}

TEST_F(scope_test, spawn_after_cancel_returns_false) {
  auto body = []() -> task<void> {
    std::vector<duration> log;
    scope children(co_await this_context());
    children.cancel(cancel_reason::shutdown);
    EXPECT_FALSE(children.spawn(sleeper(1ms, log)));
    EXPECT_FALSE(children.spawn(fails_after(1ms)));
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body());
}

TEST_F(scope_test, closing_lets_running_children_finish) {
  std::vector<duration> log;
  auto body = [](std::vector<duration>& into) -> task<result<void>> {
    scope children(co_await this_context());
    children.spawn(sleeper(4ms, into));
    children.close();
    co_return co_await children.join();
  };
  EXPECT_TRUE(on_.run(body(log)));
  EXPECT_EQ(log.size(), 1u);
}

TEST_F(scope_test, cancel_reaches_waiting_children_with_its_reason) {
  result<void> child;
  auto body = [](result<void>& ended) -> task<void> {
    scope children(co_await this_context());
    children.spawn(reports_its_end(1h, ended));
    std::ignore = co_await delay_for(1ms);
    children.cancel(cancel_reason::shutdown);
    EXPECT_EQ(children.live(), 1u) << "cancel only asks: nothing is resumed inline";
    EXPECT_TRUE(failed_with(co_await children.join(), errc::cancelled, cancel_reason::shutdown));
  };
  on_.run(body(child));
  EXPECT_TRUE(failed_with(child, errc::cancelled, cancel_reason::shutdown));
  EXPECT_EQ(elapsed(), 1ms);
}

TEST_F(scope_test, cancelling_an_outer_scope_reaches_grandchildren) {
  auto body = []() -> task<void> {
    auto parent = []() -> task<result<void>> {
      scope inner(co_await this_context());
      result<void> ended;
      inner.spawn(reports_its_end(1h, ended));
      const result<void> joined = co_await inner.join();
      EXPECT_TRUE(failed_with(ended, errc::cancelled, cancel_reason::peer_closed));
      co_return joined;
    };
    scope outer(co_await this_context());
    outer.spawn(parent());
    std::ignore = co_await delay_for(1ms);
    outer.cancel(cancel_reason::peer_closed);
    EXPECT_TRUE(failed_with(co_await outer.join(), errc::cancelled, cancel_reason::peer_closed));
  };
  on_.run(body());
}

TEST_F(scope_test, children_inherit_the_deadline) {
  auto body = []() -> task<result<void>> {
    scope children(co_await this_context());
    result<void> ended;
    children.spawn(reports_its_end(1h, ended));
    co_return co_await children.join();
  };
  EXPECT_TRUE(failed_with(on_.run([](auto inner, instant at) -> task<result<void>> {
    co_return co_await with_deadline(at, inner());
  }(body, after(7ms))),
                          errc::timed_out, cancel_reason::deadline));
  EXPECT_EQ(elapsed(), 7ms);
}

TEST_F(scope_test, a_child_may_spawn_siblings) {
  auto body = []() -> task<int> {
    int ran = 0;
    scope children(co_await this_context());
    auto recursive = [](auto& self, scope& in, int& count, int left) -> task<void> {
      co_await yield();
      count++;
      if (left > 0) in.spawn(self(self, in, count, left - 1));
    };
    children.spawn(recursive(recursive, children, ran, 1));
    std::ignore = co_await delay_for(1ms);
    EXPECT_TRUE(co_await children.join());
    co_return ran;
  };
  EXPECT_EQ(on_.run(body()), 2);
}

using scope_death_test = scope_test;

task<void> forgets_to_join(std::vector<duration>& log) {
  scope children(co_await this_context());
  children.spawn(sleeper(1ms, log));
}

task<void> forgets_to_join_a_child_that_has_ended() {
  scope children(co_await this_context());
  auto failing = []() -> task<result<void>> { co_return std::unexpected(refused); };
  children.spawn(failing());
}

TEST_F(scope_death_test, leaving_without_join_names_where_the_children_were_spawned) {
  std::vector<duration> log;
  EXPECT_DEATH(on_.run(forgets_to_join(log)), "1 live children(.|\n)*spawned at .*scope_test.cpp:[0-9]+");
}

TEST_F(scope_death_test, leaving_without_join_is_refused_even_when_every_child_has_ended) {
  EXPECT_DEATH(on_.run(forgets_to_join_a_child_that_has_ended()), "co_await join\\(\\) first");
}

}  // namespace
}  // namespace assay
