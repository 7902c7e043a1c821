#include "stack/runtime/combine.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "stack/runtime/mutex.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class combine_test : public sim_test {};

constexpr error broken{.code = errc::reset, .what = "part"};

template <class T>
task<result<T>> gives_after(duration span, T value) {
  const result<void> waited = co_await delay_for(span);
  if (!waited) co_return std::unexpected(waited.error());
  co_return std::move(value);
}

task<result<std::string>> breaks_after(duration span) {
  std::ignore = co_await delay_for(span);
  co_return std::unexpected(broken);
}

task<result<std::string>> breaks_at_once() { co_return std::unexpected(broken); }

task<result<void>> waits_for(duration span, int* ended) {
  const result<void> waited = co_await delay_for(span);
  (*ended)++;
  co_return waited;
}

task<result<std::string>> has_a_bug_after(duration span) {
  std::ignore = co_await delay_for(span);
  throw std::runtime_error("a bug");
}

// --- when_all

TEST_F(combine_test, all_of_several_kinds_take_as_long_as_the_slowest) {
  auto body = []() -> task<void> {
    int ended = 0;
    const auto got =
        co_await when_all(gives_after<std::string>(3ms, "three"), gives_after<int>(5ms, 5), waits_for(1ms, &ended));
    EXPECT_TRUE(got);
    if (!got) co_return;
    const auto& [text, number, nothing] = *got;
    EXPECT_EQ(text, "three");
    EXPECT_EQ(number, 5);
    EXPECT_EQ(nothing, std::monostate());
    EXPECT_EQ(ended, 1);
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 5ms);
}

TEST_F(combine_test, all_of_many_are_in_their_order_and_may_only_be_movable) {
  auto body = []() -> task<void> {
    std::vector<task<result<std::unique_ptr<int>>>> many;
    for (int i = 0; i < 5; ++i) many.push_back(gives_after(std::chrono::milliseconds(5 - i), std::make_unique<int>(i)));
    auto got = co_await when_all(std::move(many));
    EXPECT_TRUE(got);
    if (!got) co_return;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(*(*got)[static_cast<std::size_t>(i)], i);
    EXPECT_TRUE(co_await when_all(std::vector<task<result<int>>>()));
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 5ms);
}

TEST_F(combine_test, one_that_fails_cancels_the_others_and_is_what_is_told) {
  int ended = 0;
  auto body = [](int* others) -> task<void> {
    const auto got = co_await when_all(waits_for(1h, others), breaks_after(2ms), waits_for(2h, others));
    EXPECT_TRUE(failed_with(got, errc::reset));
  };
  on_.run(body(&ended));
  EXPECT_EQ(ended, 2) << "they have ended, too";
  EXPECT_EQ(elapsed(), 2ms);
}

TEST_F(combine_test, the_rest_is_not_begun_when_one_fails_at_once_or_the_caller_is_cancelled) {
  int ended = 0;
  auto body = [](int* others) -> task<void> {
    context& ctx = co_await this_context();
    const auto got = co_await when_all(breaks_at_once(), waits_for(1h, others));
    EXPECT_TRUE(failed_with(got, errc::reset));
    cancel_scope over(*ctx.cancel);
    over.cancel(cancel_reason::shutdown);
    context late = ctx;
    late.cancel = &over;
    const auto none = co_await with_context(late, when_all(waits_for(1h, others), waits_for(1h, others)));
    EXPECT_TRUE(failed_with(none, errc::cancelled, cancel_reason::shutdown));
    const auto nobody = co_await with_context(late, first_of(waits_for(1h, others), waits_for(1h, others)));
    EXPECT_TRUE(failed_with(nobody.got, errc::cancelled, cancel_reason::shutdown));
  };
  on_.run(body(&ended));
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(elapsed(), 0ms);
}

TEST_F(combine_test, an_exception_comes_out_when_all_have_ended) {
  int ended = 0;
  auto body = [](int* others) -> task<void> {
    std::ignore = co_await when_all(has_a_bug_after(1ms), waits_for(1h, others));
  };
  EXPECT_THROW(on_.run(body(&ended)), std::runtime_error);
  EXPECT_EQ(ended, 1);
}

// --- first_of

TEST_F(combine_test, the_first_to_end_wins_and_the_others_have_ended) {
  auto body = []() -> task<void> {
    const auto race = co_await first_of(gives_after<std::string>(9ms, "slow"), gives_after<std::string>(4ms, "fast"),
                                        gives_after<std::string>(1h, "never"));
    EXPECT_EQ(race.index, 1u);
    EXPECT_EQ(race.got.value_or("nothing"), "fast");
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 4ms);
}

TEST_F(combine_test, the_first_may_be_a_failure) {
  auto body = []() -> task<void> {
    const auto race = co_await first_of(gives_after<std::string>(1h, "never"), breaks_after(4ms));
    EXPECT_EQ(race.index, 1u);
    EXPECT_TRUE(failed_with(race.got, errc::reset));
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 4ms);
}

TEST_F(combine_test, who_is_first_at_once_leaves_the_others_unbegun) {
  int ended = 0;
  auto body = [](int* others) -> task<void> {
    auto at_once = []() -> task<result<void>> { co_return result<void>{}; };
    const auto race = co_await first_of(at_once(), waits_for(1h, others));
    EXPECT_EQ(race.index, 0u);
    EXPECT_TRUE(race.got);
  };
  on_.run(body(&ended));
  EXPECT_EQ(ended, 0);
}

TEST_F(combine_test, a_race_ends_at_its_callers_deadline) {
  auto body = []() -> task<void> {
    const context& ctx = co_await this_context();
    int ended = 0;
    const auto race =
        co_await with_deadline(ctx.on->now() + 3ms, first_of(waits_for(1h, &ended), waits_for(2h, &ended)));
    EXPECT_TRUE(failed_with(race.got, errc::timed_out, cancel_reason::deadline));
    EXPECT_EQ(ended, 2);
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 3ms);
}

// --- shield

task<void> tidies_up(duration limit, duration needed, result<void>* own, result<void>* tidied) {
  int ended = 0;
  *own = co_await delay_for(1h);
  *tidied = co_await shield(limit, waits_for(needed, &ended));
}

TEST_F(combine_test, a_shield_lets_tidying_up_finish_while_its_caller_is_cancelled) {
  result<void> own;
  result<void> tidied;
  auto body = [](result<void>* first, result<void>* second) -> task<void> {
    scope work(co_await this_context());
    work.spawn(tidies_up(1s, 5ms, first, second));
    std::ignore = co_await delay_for(2ms);
    work.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(co_await work.join());
  };
  on_.run(body(&own, &tidied));
  EXPECT_TRUE(failed_with(own, errc::cancelled, cancel_reason::shutdown));
  EXPECT_TRUE(tidied);
  EXPECT_EQ(elapsed(), 7ms);
}

TEST_F(combine_test, a_shield_has_a_limit_of_its_own) {
  result<void> own;
  result<void> tidied;
  auto body = [](result<void>* first, result<void>* second) -> task<void> {
    const context& ctx = co_await this_context();
    co_await with_deadline(ctx.on->now() + 2ms, tidies_up(3ms, 1h, first, second));
  };
  on_.run(body(&own, &tidied));
  EXPECT_TRUE(failed_with(own, errc::timed_out, cancel_reason::deadline));
  EXPECT_TRUE(failed_with(tidied, errc::timed_out, cancel_reason::deadline));
  EXPECT_EQ(elapsed(), 5ms);
}

// --- mutex

task<void> change(mutex* access, int* value) {
  const result<permit> held = co_await access->lock();
  EXPECT_TRUE(held);
  const int before = *value;
  std::ignore = co_await delay_for(1ms);
  *value = before + 1;
}

TEST_F(combine_test, a_mutex_is_held_across_waits_by_one_at_a_time) {
  auto body = []() -> task<void> {
    mutex access(8);
    int value = 0;
    scope changing(co_await this_context());
    for (int i = 0; i < 5; ++i) changing.spawn(change(&access, &value));
    EXPECT_TRUE(access.locked());
    EXPECT_EQ(access.waiters(), 4u);
    EXPECT_FALSE(access.try_lock());
    EXPECT_TRUE(co_await changing.join());
    EXPECT_EQ(value, 5);
    EXPECT_TRUE(access.try_lock());
  };
  on_.run(body());
}

}  // namespace
}  // namespace assay
