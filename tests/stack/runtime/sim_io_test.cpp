// The simulation itself: what every other test believes of it.
#include "stack/runtime/sim_io.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/stack/runtime/sim_test.hpp"

namespace assay {
namespace {

using namespace testing_support;

class sim_io_test : public sim_test {};

TEST_F(sim_io_test, time_jumps_to_the_next_event_and_stands_still_between) {
  std::vector<duration> log;
  for (const duration span : {5ms, 1ms, 5ms}) {
    world_.at(after(span), [this, &log] { log.push_back(elapsed()); });
  }
  EXPECT_TRUE(on_.run(delay_for(1h)));
  EXPECT_EQ(log, (std::vector<duration>{1ms, 5ms, 5ms}));
  EXPECT_EQ(elapsed(), duration(1h));
}

TEST_F(sim_io_test, an_event_and_a_timer_at_one_instant_both_happen_then) {
  duration event_at{};
  world_.at(after(1ms), [this, &event_at] { event_at = elapsed(); });
  EXPECT_TRUE(on_.run(delay_for(1ms)));
  EXPECT_EQ(event_at, 1ms);
  EXPECT_EQ(elapsed(), 1ms);
}

TEST_F(sim_io_test, one_port_has_one_listener) {
  const result<io_socket*> first = world_.listen({}, {});
  ASSERT_TRUE(first);
  EXPECT_TRUE(failed_with(world_.listen(world_.local_address(**first), {}), errc::address_in_use));
  world_.close(*first);
}

// Waiting for what can never happen would hang a test run.
TEST(sim_io_death_test, a_wait_that_cannot_end_aborts_with_a_message) {
  const auto wait_for_ever = [] {
    loop on(std::make_unique<sim_io>(sim_options{.patience = 1ms}));
    auto body = []() -> task<result<void>> { co_return co_await delay_until(never); };
    std::ignore = on.run(body());
  };
  EXPECT_DEATH(wait_for_ever(), "simulation deadlock");
}

}  // namespace
}  // namespace assay
