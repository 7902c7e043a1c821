#include "stack/runtime/semaphore.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class semaphore_test : public sim_test {};

task<void> hold_for(semaphore& slots, duration span, int id, std::vector<int>& log) {
  result<permit> slot = co_await slots.acquire();
  if (!slot) co_return;
  log.push_back(id);
  std::ignore = co_await delay_for(span);
}

task<result<permit>> acquire(semaphore& slots) { co_return co_await slots.acquire(); }

TEST_F(semaphore_test, a_permit_is_a_value) {
  semaphore slots(2, 0);
  {
    permit first = slots.try_acquire();
    const permit second = slots.try_acquire();
    EXPECT_TRUE(first);
    EXPECT_TRUE(second);
    EXPECT_FALSE(slots.try_acquire());
    const permit moved = std::move(first);
    EXPECT_EQ(slots.free(), 0u);
    first = permit();
    EXPECT_EQ(slots.free(), 0u) << "a permit moved from holds nothing";
  }
  EXPECT_EQ(slots.free(), 2u);
}

TEST_F(semaphore_test, first_come_first_served_and_never_overtaken) {
  std::vector<int> log;
  auto body = [](std::vector<int>& order) -> task<void> {
    semaphore slots(1, 8);
    scope children(co_await this_context());
    for (int id = 0; id < 4; ++id) children.spawn(hold_for(slots, 1ms, id, order));
    EXPECT_EQ(slots.waiters(), 3u);
    std::ignore = co_await delay_for(1ms);
    EXPECT_FALSE(slots.try_acquire()) << "others wait";
    EXPECT_TRUE(co_await children.join());
  };
  on_.run(body(log));
  EXPECT_EQ(log, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(elapsed(), 4ms);
}

TEST_F(semaphore_test, the_line_is_bounded) {
  auto body = []() -> task<void> {
    std::vector<int> log;
    semaphore slots(1, 2);
    scope children(co_await this_context());
    for (int id = 0; id < 3; ++id) children.spawn(hold_for(slots, 1ms, id, log));
    EXPECT_TRUE(failed_with(co_await slots.acquire(), errc::limit));
    EXPECT_TRUE(co_await children.join());
    EXPECT_TRUE(co_await slots.acquire());
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 3ms);
}

TEST_F(semaphore_test, waiting_ends_at_the_deadline_and_leaves_the_line) {
  auto body = [](instant at) -> task<void> {
    semaphore slots(1, 1);
    const permit held = slots.try_acquire();
    EXPECT_TRUE(failed_with(co_await with_deadline(at, acquire(slots)), errc::timed_out, cancel_reason::deadline));
    EXPECT_EQ(slots.waiters(), 0u);
  };
  on_.run(body(after(3ms)));
  EXPECT_EQ(elapsed(), 3ms);
}

// Granted and cancelled in the same turn: the permit must reach the waiter, or come back.
TEST_F(semaphore_test, a_grant_survives_a_cancellation_in_the_same_turn) {
  auto body = []() -> task<void> {
    std::vector<int> log;
    semaphore slots(1, 1);
    scope children(co_await this_context());
    {
      const permit held = slots.try_acquire();
      children.spawn(hold_for(slots, 1h, 1, log));
    }
    children.cancel(cancel_reason::user);
    EXPECT_TRUE(co_await children.join());
    EXPECT_EQ(log.size(), 1u);
    EXPECT_EQ(slots.free(), 1u);
  };
  on_.run(body());
  EXPECT_EQ(elapsed(), 0ns);
}

TEST_F(semaphore_test, a_cancelled_context_is_not_admitted) {
  auto body = []() -> task<void> {
    semaphore slots(1, 1);
    (co_await this_context()).cancel->cancel(cancel_reason::overload);
    EXPECT_TRUE(failed_with(co_await slots.acquire(), errc::cancelled, cancel_reason::overload));
    EXPECT_EQ(slots.free(), 1u);
  };
  on_.run(body());
}

struct usage {
  std::size_t inside = 0;
  std::size_t most = 0;
};

task<void> guest(semaphore& slots, usage& seen, duration arrives, duration stays) {
  if (!co_await delay_for(arrives)) co_return;
  const result<permit> slot = co_await slots.acquire();
  if (!slot) co_return;
  seen.most = std::max(seen.most, ++seen.inside);
  std::ignore = co_await delay_for(stays);
  seen.inside--;
}

task<void> crowd(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto moment = [&random] { return duration(std::uniform_int_distribution<int>(0, 30)(random)); };
  semaphore slots(3, 5);
  usage seen;
  context& ctx = co_await this_context();
  scope patient(ctx);
  scope impatient(ctx);
  for (int i = 0; i < 40; ++i) {
    (random() % 2 == 0 ? patient : impatient).spawn(guest(slots, seen, moment(), moment()));
  }
  std::ignore = co_await delay_for(moment());
  impatient.cancel(cancel_reason::user);
  EXPECT_TRUE(co_await impatient.join());
  EXPECT_TRUE(co_await patient.join());
  EXPECT_EQ(seen.inside, 0u);
  EXPECT_LE(seen.most, 3u);
  EXPECT_GE(seen.most, 1u);
  EXPECT_EQ(slots.free(), 3u) << "seed " << seed;
  EXPECT_EQ(slots.waiters(), 0u);
}

TEST_F(semaphore_test, no_permit_is_lost_or_doubled_under_random_cancellation) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) on_.run(crowd(seed));
}

TEST(semaphore_death_test, a_permit_must_not_outlive_its_semaphore) {
  const auto misuse = [] {
    permit outlives;
    std::optional<semaphore> slots(std::in_place, 1u, 0u);
    outlives = slots->try_acquire();
    slots.reset();
  };
  EXPECT_DEATH(misuse(), "every permit comes back");
}

}  // namespace
}  // namespace assay
