#include "stack/runtime/delay.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class delay_test : public sim_test {};

task<result<void>> until(instant at) { co_return co_await delay_until(at); }

task<result<void>> until_under(instant at, instant deadline) { co_return co_await with_deadline(deadline, until(at)); }

TEST_F(delay_test, ends_exactly_on_time) {
  for (const duration span : {1ns, 65'535ns, 65'536ns, 4'194'303ns, 4'194'305ns, 1'000'000'007ns}) {
    const instant at = on_.now() + span;
    EXPECT_TRUE(on_.run(until(at)));
    EXPECT_EQ(on_.now(), at);
  }
  EXPECT_TRUE(on_.run(delay_for(std::chrono::hours(24 * 400))));
}

TEST_F(delay_test, a_moment_in_the_past_ends_in_the_next_turn) {
  EXPECT_TRUE(on_.run(until(began_ - 1s)));
  EXPECT_TRUE(on_.run(until(began_)));
  EXPECT_EQ(elapsed(), 0ns);
}

TEST_F(delay_test, an_earlier_deadline_ends_it) {
  EXPECT_TRUE(failed_with(on_.run(until_under(after(1h), after(2ms))), errc::timed_out, cancel_reason::deadline));
  EXPECT_EQ(elapsed(), 2ms);
}

TEST_F(delay_test, a_later_deadline_does_not) { EXPECT_TRUE(on_.run(until_under(after(2ms), after(3ms)))); }

TEST_F(delay_test, a_deadline_at_the_same_instant_wins) {
  EXPECT_TRUE(failed_with(on_.run(until_under(after(2ms), after(2ms))), errc::timed_out, cancel_reason::deadline));
}

TEST_F(delay_test, a_deadline_that_has_passed_ends_it_at_once) {
  EXPECT_TRUE(failed_with(on_.run(until_under(after(1h), began_ - 1s)), errc::timed_out, cancel_reason::deadline));
  EXPECT_EQ(elapsed(), 0ns);
}

TEST_F(delay_test, is_refused_when_cancelled_before_it_starts) {
  auto body = []() -> task<result<void>> {
    (co_await this_context()).cancel->cancel(cancel_reason::shutdown);
    co_return co_await delay_for(1h);
  };
  EXPECT_TRUE(failed_with(on_.run(body()), errc::cancelled, cancel_reason::shutdown));
  EXPECT_EQ(elapsed(), 0ns);
}

// The alarm and the cancellation fall into one turn: whoever comes first decides, and the sleep ends once.
TEST_F(delay_test, cancellation_races_with_the_alarm) {
  auto sleeping = [](instant at, result<void>& ended) -> task<void> { ended = co_await delay_until(at); };
  auto cancelling = [](instant at, cancel_scope& other) -> task<void> {
    std::ignore = co_await delay_until(at);
    other.cancel(cancel_reason::user);
  };
  auto body = [](auto& sleeper, auto& canceller, instant at, bool sleeper_first, result<void>& ended) -> task<void> {
    scope victims(co_await this_context());
    scope others(co_await this_context());
    cancel_scope inner(*victims.child_context().cancel);
    context narrowed = victims.child_context();
    narrowed.cancel = &inner;
    auto under = [](context& ctx, auto& start, instant when, result<void>& into) -> task<void> {
      co_await with_context(ctx, start(when, into));
    };
    if (sleeper_first) victims.spawn(under(narrowed, sleeper, at, ended));
    others.spawn(canceller(at, inner));
    if (!sleeper_first) victims.spawn(under(narrowed, sleeper, at, ended));
    std::ignore = co_await victims.join();
    std::ignore = co_await others.join();
  };
  for (const bool sleeper_first : {true, false}) {
    result<void> ended;
    on_.run(body(sleeping, cancelling, on_.now() + 1ms, sleeper_first, ended));
    // Both alarms fire in the same advance(), before the canceller runs: the sleep had ended.
    EXPECT_TRUE(ended.has_value()) << sleeper_first;
  }
}

TEST_F(delay_test, yield_lets_everything_ready_run_first) {
  std::vector<int> order;
  auto child = [](std::vector<int>& log, int id) -> task<void> {
    for (int round = 0; round < 2; ++round) {
      log.push_back(id);
      co_await yield();
    }
  };
  auto body = [](auto& make, std::vector<int>& log) -> task<void> {
    scope children(co_await this_context());
    for (int id = 0; id < 3; ++id) children.spawn(make(log, id));
    std::ignore = co_await children.join();
  };
  on_.run(body(child, order));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 0, 1, 2}));
}

// A task that yields for ever must not keep timers from firing.
TEST_F(delay_test, busy_tasks_do_not_starve_timers) {
  auto spinner = []() -> task<result<void>> {
    const context& ctx = co_await this_context();
    while (!ctx.cancel->cancelled()) co_await yield();
    co_return result<void>{};
  };
  auto stopper = [](duration span) -> task<result<void>> {
    std::ignore = co_await delay_for(span);
    co_return std::unexpected(error{.code = errc::closed});
  };
  auto body = [](auto& spin, auto& stop) -> task<result<void>> {
    scope children(co_await this_context());
    for (int i = 0; i < 1000; ++i) children.spawn(spin());
    children.spawn(stop(0ns));
    co_return co_await children.join();
  };
  EXPECT_TRUE(failed_with(on_.run(body(spinner, stopper)), errc::closed));
}

}  // namespace
}  // namespace assay
