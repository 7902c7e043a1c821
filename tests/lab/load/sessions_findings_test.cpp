// What a run of sessions says of its own numbers, in virtual time.
#include <cmath>

#include "lab/load/counter_random.hpp"
#include "tests/lab/load/sessions_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

struct sessions_findings : sessions {
  sessions_findings() {
    options.length = 32s;
    options.connections = 10'000;
    scenarios[0].rate_per_s = 50;
    server.decide_on = [this](std::string_view) {  // 1 to 3 ms, each by itself
      return reply{.after = 1ms + duration(static_cast<duration::rep>(uniform(mix(asked++)) * 2e6))};
    };
  }

  std::uint64_t asked = 0;
};

const model::quantile_interval* median_of(const model::response_intervals& of) {
  for (const model::quantile_interval& each : of.quantiles) {
    if (each.quantile == 0.5) return &each;
  }
  return nullptr;
}

void expect_about_2_ms(const std::optional<model::response_intervals>& of, std::uint64_t samples) {
  ASSERT_TRUE(of);
  const model::quantile_interval* const median = median_of(*of);
  ASSERT_NE(median, nullptr);
  EXPECT_LE(median->within.low_ns, 2.2e6);
  EXPECT_GE(median->within.high_ns, 2.1e6) << "2 ms, a round trip, and of the first step connecting";
  EXPECT_LT(median->within.high_ns - median->within.low_ns, 0.4e6);
  EXPECT_LE(median->effective_samples, static_cast<double>(samples));
}

TEST_F(sessions_findings, of_an_even_rate_have_intervals_and_so_has_each_step) {
  const model::load_result seen = run();
  EXPECT_EQ(seen.requests, 3200U);
  EXPECT_TRUE(seen.intervals.why_not.empty()) << seen.intervals.why_not;
  EXPECT_EQ(seen.intervals.from_s, 0) << "a session is over at once";
  expect_about_2_ms(seen.intervals, 3200);
  EXPECT_TRUE(seen.intervals.mean);
  ASSERT_TRUE(seen.steady);
  EXPECT_EQ(seen.steady->from_s, 0);
  ASSERT_EQ(seen.routes.size(), 2U);
  for (const model::load_route& each : seen.routes) {
    expect_about_2_ms(each.intervals, 1600);
    EXPECT_TRUE(each.steady);
  }
}

TEST_F(sessions_findings, are_of_the_time_from_which_as_many_were_under_way_as_later) {
  scenarios[0].think = {.law = model::think_time::kind::exponential, .mean = 2s};
  const model::load_result seen = run();
  const double ramp_s = static_cast<double>(seen.sessions[0].time.value_at_quantile(0.95)) / 1e9;
  EXPECT_NEAR(ramp_s, 2 * std::log(20), 1) << "19 of 20 thought no longer";
  EXPECT_GE(seen.intervals.from_s, ramp_s - 0.1);
  EXPECT_LE(seen.intervals.from_s, ramp_s + 1) << "a part is a second";
  expect_about_2_ms(seen.intervals, seen.requests);
  for (const model::load_route& each : seen.routes) {
    expect_about_2_ms(each.intervals, each.answered);
    EXPECT_EQ(each.intervals->from_s, seen.intervals.from_s) << "the service is loaded by all of them";
  }
  EXPECT_TRUE(seen.steady);
}

TEST_F(sessions_findings, a_change_in_the_even_part_is_told_by_the_time_of_the_run) {
  scenarios[0].think = pause(3s);
  server.decide_on = [this](std::string_view) {
    const duration takes = 1ms + duration(static_cast<duration::rep>(uniform(mix(asked++)) * 1e6));
    return reply{.after = network->now() - start < 8s ? 5 * takes : takes};
  };
  const model::load_result seen = run();
  ASSERT_TRUE(seen.steady);
  EXPECT_NEAR(seen.steady->from_s, 8, 1);
  EXPECT_NEAR(seen.steady->before, 5, 1);
  ASSERT_TRUE(seen.steady->since);
  EXPECT_LT(seen.steady->since->max(), 3'000'000U);
}

TEST_F(sessions_findings, that_take_most_of_the_run_have_none_and_say_so) {
  scenarios[0].think = pause(20s);
  const model::load_result seen = run();
  EXPECT_TRUE(seen.intervals.quantiles.empty());
  EXPECT_FALSE(seen.intervals.mean);
  EXPECT_TRUE(seen.intervals.why_not.contains("more than half of the run")) << seen.intervals.why_not;
  EXPECT_FALSE(seen.steady);
  for (const model::load_route& each : seen.routes) EXPECT_FALSE(each.intervals);
}

TEST_F(sessions_findings, of_which_none_finishes_have_none) {
  scenarios[0].think = pause(60s);
  EXPECT_FALSE(run().intervals.why_not.empty());
}

TEST_F(sessions_findings, in_stages_have_none_since_what_began_before_goes_on) {
  scenarios[0].rate_per_s.reset();
  options.stages = {{.rate_per_s = 50, .length = 16s}, {.rate_per_s = 100, .length = 16s}};
  const model::load_result seen = run();
  EXPECT_TRUE(seen.intervals.quantiles.empty());
  EXPECT_TRUE(seen.intervals.why_not.empty());
  for (const model::load_stage& each : seen.stages) EXPECT_FALSE(each.intervals);
  for (const model::load_route& each : seen.routes) EXPECT_FALSE(each.intervals);
}

TEST_F(sessions_findings, begin_as_their_schedules_have_it_each_by_its_own_law) {
  scenarios.push_back({.name = "t",
                       .rate_per_s = 30,
                       .arrivals = model::arrival_law::poisson,
                       .steps = {step("GET", "/c"), step("GET", "/d")}});
  const model::load_result seen = run();
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  EXPECT_FALSE(seen.arrivals_seen) << "the requests follow from the answers";
  ASSERT_EQ(seen.sessions.size(), 2U);
  for (const model::load_sessions& each : seen.sessions) {
    ASSERT_TRUE(each.arrivals_seen);
    EXPECT_GT(each.arrivals_seen->gaps, 400U) << "of 1600 and 960 sessions";
    EXPECT_LT(each.arrivals_seen->gaps_off, 0.05);
    EXPECT_EQ(each.arrivals_seen->offered_share, 1);
  }
  EXPECT_EQ(seen.sessions[0].arrivals, model::arrival_law::constant);
  EXPECT_FALSE(seen.sessions[0].arrivals_seen->distance);
  EXPECT_EQ(seen.sessions[1].arrivals, model::arrival_law::poisson);
  EXPECT_LT(*seen.sessions[1].arrivals_seen->distance, 1.5 * *seen.sessions[1].arrivals_seen->distance_by_chance);
}

TEST_F(sessions_findings, that_wait_for_a_place_are_not_the_generators_lateness) {
  options.connections = 1;
  server.decide_on = [](std::string_view) { return reply{.after = 15ms}; };  // a session takes 1.5 of its gaps
  const model::load_result seen = run();
  EXPECT_GT(seen.sessions[0].waited, 900U);
  ASSERT_TRUE(seen.sessions[0].arrivals_seen);
  EXPECT_GT(seen.sessions[0].arrivals_seen->gaps, 400U);
  EXPECT_LT(seen.sessions[0].arrivals_seen->gaps_off, 0.01);
  EXPECT_EQ(seen.sessions[0].arrivals_seen->offered_share, 1);
}

TEST(session_arrivals, that_are_of_another_law_make_the_run_invalid) {
  model::load_result seen;
  seen.valid = true;
  seen.sessions = {{.name = "buy", .arrivals = model::arrival_law::poisson}};
  judge_session_arrivals(seen);
  EXPECT_TRUE(seen.valid);
  seen.sessions[0].arrivals_seen = model::arrival_fit{.gaps = 500, .tolerance_ns = 5e5, .gaps_off = 0.4};
  judge_session_arrivals(seen);
  EXPECT_FALSE(seen.valid);
  ASSERT_EQ(seen.reasons.size(), 1U);
  EXPECT_TRUE(seen.reasons[0].starts_with("sessions buy: arrivals were not poisson as intended: 40 %"));
}

}  // namespace
}  // namespace assay::load
