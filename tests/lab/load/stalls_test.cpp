// The generator's own stalls, in virtual time: which response times one can have touched, and which percentiles.
#include "lab/load/own_stalls.hpp"

#include <array>

#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

std::string touched_by(const outcome& seen) { return model::names_of(seen.judged.stalls.touched); }

void answer_after(world& stage, duration after) {
  stage.server.decide = [after](std::size_t, std::size_t) { return reply{.after = after}; };
}

TEST(stalls, of_the_closed_model_are_in_the_answers_that_were_not_read) {
  world stage(0us);
  stage.options.connections = 4;
  answer_after(stage, 1ms);
  stage.freeze_loop(4s, 4200ms);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 1U);
  EXPECT_GE(seen.judged.stalls.longest_ns, ns(200ms - stall_watch::beat));
  EXPECT_LE(seen.judged.stalls.longest_ns, ns(200ms));
  EXPECT_EQ(seen.judged.stalls.touched_requests, 4U) << "one of each connection, of 39,000";
  EXPECT_EQ(touched_by(seen), "p99.99 and max");
  EXPECT_NEAR(seen.judged.stalls.touched.back().measured_ns, 200e6, 2e6);
  EXPECT_LE(seen.judged.stalls.touched.back().least_ns, 2e6) << "it began right after a beat, as far as is known";
  EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);
}

TEST(stalls, of_the_closed_model_are_missing_from_the_throughput_of_a_short_run) {
  world stage(0us);
  stage.options.connections = 4;
  stage.options.length = 2s;
  answer_after(stage, 1ms);
  stage.freeze_loop(1s, 1200ms);
  const outcome seen = stage.run();
  EXPECT_NEAR(seen.judged.stalls.share, 0.095, 0.01);
  ASSERT_EQ(seen.judged.reasons.size(), 1U);
  EXPECT_TRUE(seen.judged.reasons[0].contains(" of the time: the throughput lacks as much")) << seen.judged.reasons[0];
}

// Who waits for answers sleeps up to a beat, and is late only from when it was to wake.
TEST(stalls, of_the_closed_model_count_from_when_the_thread_was_to_run) {
  world stage(0us);
  stage.options.connections = 1;
  stage.options.length = 10s;
  answer_after(stage, 100ms);
  for (int i = 1; i <= 10; ++i) stage.freeze_loop(i * 900ms + 7ms, i * 900ms + 33ms);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 10U);
  EXPECT_GE(seen.judged.stalls.share, 10 * (0.026 - 0.02) / 10);
  EXPECT_LE(seen.judged.stalls.share, 10 * 0.026 / 10) << "no more than it stood still";
}

TEST(stalls, that_reach_the_p99_make_the_run_invalid_and_say_so_by_its_name) {
  world stage(0us);
  stage.options.connections = 10;
  stage.options.length = 5s;
  answer_after(stage, 100ms);
  stage.freeze_loop(2s - 1ms, 2200ms);
  const outcome seen = stage.run();
  EXPECT_EQ(touched_by(seen), "p99 and max") << "10 of 490, and p99.9 is not told of so few";
  EXPECT_FALSE(seen.judged.valid);
  ASSERT_EQ(seen.judged.reasons.size(), 1U);
  EXPECT_TRUE(seen.judged.reasons[0].starts_with("generator stalled 1 time(s), for up to "));
  EXPECT_TRUE(seen.judged.reasons[0].contains(" ms: p99 and max can be its own (p99 ")) << seen.judged.reasons[0];
}

TEST(stalls, of_the_open_model_are_in_what_was_sent_late_as_well) {
  world stage(0us);
  stage.options.rate_per_s = 100;
  answer_after(stage, 1ms);
  stage.freeze_loop(4005ms, 4205ms);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 1U);
  EXPECT_NEAR(static_cast<double>(seen.judged.stalls.touched_requests), 20, 1);
  EXPECT_EQ(touched_by(seen), "p99 and max") << "of 1000 requests 20 were to be sent meanwhile";
}

TEST(stalls, do_not_touch_an_answer_whose_time_the_kernel_has_noted) {
  loop on(std::make_unique<sim_io>(sim_options{}));
  stall_watch stalls(on);
  const instant deadline = on.turn_time();
  auto late = [](loop& of) -> task<void> { std::ignore = co_await delay_until(of.now() + 200ms); };
  on.run(late(on));
  stalls.fired(deadline);
  ASSERT_EQ(stalls.count(), 1U);
  const instant during = deadline + 50ms;  // sent before it, come in it, read after it
  EXPECT_GT(stalls.added(deadline - 1ms, deadline - 1ms, during), 0ms);
  EXPECT_EQ(stalls.added(deadline - 1ms, deadline - 1ms, during, true), 0ms);
  EXPECT_GT(stalls.added(during, on.now(), on.now() + 1ms, true), 0ms) << "but one that was to be sent in it";
}

// A request that was on its way all the time, and whose answer came when the thread ran again, lost nothing by it.
TEST(stalls, do_not_touch_what_was_still_being_answered) {
  world stage(0us);
  stage.options.rate_per_s = 100;
  stage.options.connections = 200;
  answer_after(stage, 1s);
  stage.freeze_loop(4s, 4200ms);
  const outcome seen = stage.run();
  EXPECT_NEAR(static_cast<double>(seen.judged.stalls.touched_requests), 40, 3)
      << "20 sent late, 20 whose answers lay there, and not the 60 between them";
}

// Sent after the first, answered in the second: both are in it, and what the service took is what is left.
TEST(stalls, that_follow_each_other_are_all_in_a_response_time) {
  world stage(0us);
  stage.options.rate_per_s = 100;
  stage.options.connections = 100;
  answer_after(stage, 100ms);
  stage.freeze_loop(4s, 4200ms);
  stage.freeze_loop(4295ms, 4310ms);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 2U);
  EXPECT_GE(seen.judged.stalls.touched.back().measured_ns, 210e6);
  EXPECT_LE(seen.judged.stalls.touched.back().least_ns, 105e6);
}

// Ten connections that carry 1,250 requests a second, and 1,000 come: the 200 of a stall are worked off in 0.8 s.
TEST(stalls, of_the_open_model_are_in_what_waits_behind_what_they_left) {
  world stage(0us);
  stage.options.rate_per_s = 1000;
  stage.options.connections = 10;
  answer_after(stage, 8ms);
  stage.freeze_loop(4s + 500us, 4200ms);
  const outcome seen = stage.run();
  EXPECT_NEAR(static_cast<double>(seen.judged.stalls.touched_requests), 1000, 60);
  EXPECT_TRUE(touched_by(seen).ends_with("p95, p99, p99.9 and max")) << touched_by(seen);
  EXPECT_LE(seen.judged.stalls.touched.back().least_ns, 30e6);
}

TEST(stalls, are_no_excuse_of_a_service_that_is_overloaded) {
  world stage(0us);
  stage.options.rate_per_s = 1000;
  stage.options.connections = 4;
  stage.options.timeout = 60s;
  answer_after(stage, 8ms);
  stage.freeze_loop(4005ms, 4026ms);
  const outcome seen = stage.run();
  EXPECT_EQ(seen.judged.stalls.count, 1U);
  EXPECT_LE(seen.judged.stalls.touched_requests, 2400U) << "the 2,000 that waited then, and ten times the stall";
  EXPECT_EQ(touched_by(seen), "") << "20 ms of some seconds";
  EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);
}

TEST(stalls, are_none_where_the_server_stops) {
  for (const bool open : {true, false}) {
    world stage(0us);
    if (open) stage.options.rate_per_s = 200;
    stage.options.connections = 4;
    answer_after(stage, 1ms);
    stage.at(2s, [&] { stage.hold_server_until(4s); });
    const outcome seen = stage.run();
    EXPECT_GE(seen.response().max(), ns(1900ms));
    EXPECT_EQ(seen.judged.stalls.count, 0U);
    EXPECT_EQ(touched_by(seen), "");
    EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);
  }
}

TEST(stalls, are_none_where_every_connection_is_busy_and_the_run_is_ended) {
  world stage(0us);
  stage.options.rate_per_s = 100;
  stage.options.connections = 1;
  stage.options.timeout = 60s;
  answer_after(stage, never_answers);
  stage.at(5s, [&] { stage.stop_load(); });
  EXPECT_EQ(stage.run().judged.stalls.count, 0U) << "no timer was to fire for 5 s but the beat";
}

TEST(stalls, concern_a_percentile_when_enough_of_what_they_touched_lies_beyond_it) {
  observe::histogram all = observe::histogram::with_defaults();
  stall_record seen;
  seen.saw(2, 199ms, 220ms);
  for (int i = 0; i < 10'000; ++i) all.record(ns(1ms + i * 1us));
  EXPECT_TRUE(seen.concern(all).touched.empty()) << "nothing was touched";
  for (int i = 0; i < 200; ++i) {
    all.record(ns(200ms));
    seen.touched(200ms, 199ms);
  }
  const model::own_stalls found = seen.concern(all);
  EXPECT_EQ(found.count, 2U);
  EXPECT_EQ(found.touched_requests, 200U);
  ASSERT_EQ(model::names_of(found.touched), "p99, p99.9 and max");
  EXPECT_NEAR(found.touched[0].measured_ns, 200e6, 0.2e6);
  EXPECT_NEAR(found.touched[0].least_ns, 10.9e6, 0.02e6) << "the 9898th of the 10,000 that rise by 1 us";
  EXPECT_NEAR(found.touched[2].least_ns, 11e6, 0.02e6);
  ASSERT_EQ(found.asked.size(), 1U);
  EXPECT_EQ(found.asked[0].quantile, 1);
  const std::array<double, 2> asked{99.9 / 100, 0.5};
  const model::own_stalls of_gates = seen.concern(all, asked);
  ASSERT_EQ(of_gates.asked.size(), 3U);
  EXPECT_EQ(of_gates.asked[0].quantile, 99.9 / 100) << "the number that was asked for, not 0.999";
  EXPECT_NEAR(of_gates.asked[1].least_ns, of_gates.asked[1].measured_ns, 0.3e6) << "also where it hardly moves";
}

TEST(stalls, that_add_less_than_a_twentieth_are_not_worth_a_word) {
  observe::histogram all = observe::histogram::with_defaults();
  stall_record seen;
  seen.saw(1, 20ms, 20ms);
  for (int i = 0; i < 1000; ++i) {
    all.record(ns(500ms));
    seen.touched(500ms, 20ms);
  }
  EXPECT_TRUE(seen.concern(all).touched.empty());
}

}  // namespace
}  // namespace assay::load
