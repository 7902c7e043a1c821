// Answers that are read late because the kernel notes when they came, in virtual time: nothing that is measured may be
// later for it.
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

constexpr duration one_way = 50us;

// 2,000 a second: the next is due after 500 us, and an answer is back long before that.
world stage_with(bool stamps) { return world(sim_options{.latency = one_way, .stamps = stamps}); }

void load_evenly(world& stage) {
  stage.options.rate_per_s = 2000;
  stage.options.length = 1s;
  stage.options.connections = 8;
}

TEST(held_back, a_response_time_ends_when_the_answer_came) {
  world stage = stage_with(true);
  load_evenly(stage);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.generator.stamped_answers, 2000U);
  EXPECT_EQ(seen.service().max(), ns(2 * one_way)) << "and not when the next was due";
  EXPECT_EQ(seen.response().max(), ns(2 * one_way));
  EXPECT_EQ(seen.judged.first_byte.max(), ns(2 * one_way));
  EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);
}

TEST(held_back, connections_that_requests_wait_for_are_not) {
  for (const bool stamps : {false, true}) {
    world stage = stage_with(stamps);
    load_evenly(stage);
    stage.options.per_connection = 1;
    const outcome seen = stage.run();
    EXPECT_EQ(seen.judged.connect_time.max(), ns(2 * one_way)) << stamps;
    EXPECT_EQ(seen.response().max(), ns(4 * one_way)) << stamps;
  }
}

TEST(held_back, answers_that_take_several_reads_are_not) {
  constexpr std::size_t body_bytes = 200'000;  // three windows of the simulation
  std::vector<duration> slowest;
  for (const bool stamps : {false, true}) {
    world stage = stage_with(stamps);
    load_evenly(stage);
    stage.server.decide = [](std::size_t, std::size_t) {
      return reply{.bytes = answer_of(200, "", std::string(body_bytes, 'x'))};
    };
    const outcome seen = stage.run();
    slowest.emplace_back(seen.service().value_at_quantile(0.99));
    EXPECT_EQ(seen.failed(), 0U);
  }
  EXPECT_EQ(slowest[0], slowest[1]);
}

TEST(held_back, many_of_one_tick_leave_together_and_each_is_timed_by_itself) {
  world stage = stage_with(true);
  load_evenly(stage);
  stage.options.rate_per_s = 4000;
  stage.options.tick = 1ms;
  stage.server.decide = [](std::size_t number, std::size_t) { return reply{.after = number * 10us}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 4000U);
  EXPECT_EQ(seen.lag().max(), 0U);
  EXPECT_LE(seen.response().max(), ns(2 * one_way + 70us) * 1001 / 1000);
  EXPECT_GE(seen.response().max(), ns(2 * one_way + 30us));
}

TEST(held_back, a_tick_wakes_the_thread_once_whenever_its_answers_come) {
  world stage = stage_with(true);
  load_evenly(stage);
  stage.options.rate_per_s = 4000;
  stage.options.tick = 5ms;
  stage.options.connections = 64;
  stage.server.decide = [](std::size_t number, std::size_t) { return reply{.after = number * 30us}; };
  const std::uint64_t wakes_before = stage.wakes();
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 4000U);
  EXPECT_EQ(seen.judged.generator.stamped_answers, 4000U);
  // The server's wakes are the loop's as well here: of a tick, one for the requests, and one for each of 20 answers.
  EXPECT_LE(stage.wakes() - wakes_before, 200U * (1 + 1 + 20) + 200U);
}

// The thread does not run while the answer comes, 45 or 53 ms after the request, until long after the limit of 50 ms.
TEST(held_back, an_answer_that_came_in_time_is_no_timeout_however_late_it_is_read) {
  for (const duration latency : {20ms, 24ms}) {
    world stage(sim_options{.latency = latency, .stamps = true});
    stage.options.rate_per_s = 10;
    stage.options.length = 1s;
    stage.options.timeout = 50ms;
    stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 5ms}; };
    stage.freeze_loop(500ms + latency + 10ms, 580ms);
    const outcome seen = stage.run();
    ASSERT_TRUE(seen.connected);
    const duration takes = 2 * latency + 5ms;
    EXPECT_EQ(seen.failed(failure_kind::timed_out), takes < 50ms ? 0U : 10U);
    if (takes < 50ms) EXPECT_EQ(seen.service().max(), ns(takes)) << "the stall is not in it";
  }
}

}  // namespace
}  // namespace assay::load
