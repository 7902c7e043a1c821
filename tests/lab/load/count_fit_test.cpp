// What is said of arrivals in ticks, by how many went out in spans of time: as the schedule has them, late, in batches,
// and of another law.
#include "lab/load/count_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "lab/load/schedule.hpp"
#include "tests/effort.hpp"
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using model::arrival_law;

struct ticked {
  arrival_law law = arrival_law::poisson;
  std::vector<stage> stages = {{.rate_per_s = 5000, .length = 20s}};
  duration tick = 1ms;
  unsigned threads = 1;
  std::uint64_t seed = 5;

  duration length() const {
    duration whole{};
    for (const stage& each : stages) whole += each.length;
    return whole;
  }
};

// Each arrival of the schedule is sent so late.
using lateness = std::function<duration(duration)>;
duration in_time(duration) { return {}; }
// As a sleeper that wakes that often only.
lateness batches_of(duration period) {
  return [period](duration offset) { return period - offset % period; };
}

// Those that `sent` makes, judged as if they had been meant to be as `intended`.
model::arrival_fit fit_of(const ticked& sent, const lateness& late, const ticked& intended) {
  std::vector<realised_counts> counted;
  for (unsigned thread = 0; thread < sent.threads; ++thread) {
    realised_counts& into =
        counted.emplace_back(arrivals_of(intended.stages) / intended.threads, intended.length(), intended.tick);
    arrival_schedule schedule({.law = sent.law,
                               .thread = thread,
                               .threads = sent.threads,
                               .seed = sent.seed,
                               .stages = sent.stages,
                               .tick = sent.tick});
    for (; schedule.peek() < sent.length(); schedule.pop()) into.sent(schedule.peek(), late(schedule.peek()));
    into.reached(sent.length());
  }
  std::vector<const realised_counts*> threads;
  for (const realised_counts& each : counted) threads.push_back(&each);
  return fit_counts({.law = intended.law, .stages = intended.stages, .threads = intended.threads}, threads);
}

model::arrival_fit fit_of(const ticked& sent, const lateness& late = in_time) { return fit_of(sent, late, sent); }

TEST(count_fit, constant_arrivals_in_ticks_are_as_many_as_intended_in_every_span) {
  const std::vector<stage> stages = {{.rate_per_s = 100, .length = 5s, .end_rate_per_s = 20'000},
                                     {.rate_per_s = 0, .length = 1s},
                                     {.rate_per_s = 5000, .length = 10s, .swing_per_s = 4000, .period = 2s},
                                     {.rate_per_s = 10'000.0 / 3, .length = 3s}};
  for (const duration tick : {duration(10us), duration(300us), duration(1ms), duration(7ms), duration(100ms)}) {
    for (const unsigned threads : {1U, 3U}) {
      const model::arrival_fit fit = fit_of({arrival_law::constant, stages, tick, threads});
      EXPECT_GE(fit.spans, 150U * threads) << tick.count();
      EXPECT_EQ(fit.spans_off, 0) << tick.count() << ' ' << threads;
      EXPECT_GE(fit.span_ns, 1e6);
      EXPECT_EQ(static_cast<std::uint64_t>(fit.span_ns) % ns(tick), 0U) << "whole ticks";
      EXPECT_FALSE(fit.distance);
      EXPECT_EQ(fit.offered_share, 1);
    }
  }
}

TEST(count_fit, poisson_arrivals_in_ticks_fail_no_more_often_than_chance_has_it) {
  constexpr int seeds = sanitized ? 20 : 200;
  for (const double rate : {1500.0, 50'000.0}) {  // in a tick of a millisecond, or two
    int beyond = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const model::arrival_fit fit =
          fit_of({.stages = {{.rate_per_s = rate, .length = 500ms, .end_rate_per_s = 2 * rate}}, .seed = seed});
      ASSERT_GT(fit.spans, 200U);
      beyond += *fit.distance > *fit.distance_by_chance ? 1 : 0;
      EXPECT_LT(fit.spans_off, 0.25) << seed;
    }
    // One in twenty, and four standard deviations of that. Of small numbers fewer: they are spread evenly.
    EXPECT_LE(beyond, seeds / 20 + 4 * std::sqrt(seeds / 20.0)) << rate;
    if (rate > 10'000 && !sanitized) EXPECT_GE(beyond, 1) << "the bound is not beyond all chance";
  }
}

TEST(count_fit, the_number_of_spans_is_bounded_and_each_has_something_to_tell) {
  for (const double rate : {2.0, 300.0, 40'000.0}) {
    const model::arrival_fit fit = fit_of({.stages = {{.rate_per_s = rate, .length = 60s}}, .tick = 50us});
    EXPECT_LE(fit.spans, realised_counts::most_spans) << rate;
    EXPECT_GE(fit.spans, rate < 10 ? 60U : realised_counts::most_spans / 3) << rate;
    EXPECT_NEAR(fit.span_ns, std::max(1e6, 2e9 / rate), 50'000) << "two arrivals of the thread, or a millisecond";
  }
}

TEST(count_fit, what_is_late_within_its_tick_is_as_intended) {
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    const model::arrival_fit fit =
        fit_of({.law = law}, [](duration offset) { return offset / 1ms % 3 * 300us; });  // up to 0.6 of a tick
    EXPECT_LT(fit.spans_off, 0.05) << label(law);
  }
  // And of ticks that are shorter than any sleep what is within the tolerance.
  const auto some = [](duration offset) { return offset / 1us * 37 % 400 * 1us; };
  EXPECT_LT(fit_of({.law = arrival_law::constant, .tick = 20us}, some).spans_off, 0.05);
}

TEST(count_fit, batches_of_practical_size_are_another_law) {
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    EXPECT_GT(fit_of({.law = law}, batches_of(4ms)).spans_off, 0.25) << label(law);
    const ticked rare{.law = law, .stages = {{.rate_per_s = 50, .length = 100s}}};
    EXPECT_GT(fit_of(rare, batches_of(100ms)).spans_off, 0.25) << label(law) << ", five at a time";
  }
}

TEST(count_fit, another_law_or_rate_is_told) {
  const ticked poisson;
  const ticked constant{.law = arrival_law::constant};
  EXPECT_GT(fit_of(constant, in_time, poisson).spans_off, 0.25);
  EXPECT_GT(fit_of(poisson, in_time, constant).spans_off, 0.5);
  const ticked faster{.stages = {{.rate_per_s = 5000 * 1.5, .length = 20s}}};
  EXPECT_GT(fit_of(faster, in_time, poisson).spans_off, 0.25);
  const model::arrival_fit slightly = fit_of({.stages = {{.rate_per_s = 5250, .length = 20s}}}, in_time, poisson);
  EXPECT_GT(*slightly.distance, *slightly.distance_by_chance) << "a twentieth more, of 100,000";
  EXPECT_LT(slightly.spans_off, 0.25) << "and not of practical size";
}

// --- whole runs in virtual time ---

TEST(count_fit, a_run_in_ticks_is_tested_like_another) {
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    world stage(50us);
    stage.options.rate_per_s = 3000;
    stage.options.arrivals = law;
    stage.options.length = 2s;
    stage.options.connections = 64;
    stage.options.tick = 2ms;
    const model::load_result seen = stage.run().judged;
    EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
    ASSERT_TRUE(seen.arrivals_seen);
    EXPECT_EQ(seen.arrivals_seen->spans, 1000U);
    EXPECT_EQ(seen.arrivals_seen->gaps, 0U);
    EXPECT_DOUBLE_EQ(seen.arrivals_seen->span_ns, 2e6);
    EXPECT_LT(seen.arrivals_seen->spans_off, 0.05);
    if (law == arrival_law::constant) EXPECT_EQ(seen.arrivals_seen->spans_off, 0);
  }
}

// What a candidate does not take, or takes late, was offered all the same; what is left at the end is not looked at.
TEST(count_fit, a_candidate_that_hangs_or_is_gone_is_no_departure) {
  world stage(50us);
  stage.options.rate_per_s = 2000;
  stage.options.length = 4s;
  stage.options.connections = 8;
  stage.options.timeout = 1s;
  stage.options.tick = 1ms;
  stage.at(500ms, [&] { stage.hold_server_until(1200ms); });
  stage.at(2500ms, [&] { stage.kill_server(); });
  const outcome seen = stage.run();
  EXPECT_GT(seen.failed(failure_kind::connect), 2000U);
  EXPECT_GT(seen.judged.arrivals_seen->spans, 3500U);
  EXPECT_EQ(seen.judged.arrivals_seen->spans_off, 0);
  EXPECT_TRUE(seen.judged.valid) << ::testing::PrintToString(seen.judged.reasons);

  world overload(50us);
  overload.options = stage.options;
  overload.server.decide = [](std::size_t, std::size_t) { return reply{.after = 100ms}; };
  const outcome slow = overload.run();
  EXPECT_GT(slow.failed(failure_kind::unsent), 5000U);
  EXPECT_GT(slow.judged.arrivals_seen->spans, 100U);
  EXPECT_LT(slow.judged.arrivals_seen->spans, 1000U) << "of what it got to";
  EXPECT_EQ(slow.judged.arrivals_seen->spans_off, 0);
  EXPECT_TRUE(slow.judged.valid) << ::testing::PrintToString(slow.judged.reasons);
}

TEST(count_fit, a_generator_that_wakes_now_and_then_is_invalid) {
  world stage(50us);
  stage.options.rate_per_s = 2000;
  stage.options.length = 2s;
  stage.options.connections = 64;
  stage.options.tick = 1ms;
  for (duration at = 0s; at < 2s; at += 20ms) stage.freeze_loop(at + 1ms, at + 10ms);
  const model::load_result seen = stage.run().judged;
  EXPECT_GT(seen.arrivals_seen->spans_off, 0.25);
  EXPECT_TRUE(std::ranges::any_of(seen.reasons, [](const std::string& each) {
    return each.starts_with("arrivals were not constant as intended: ") &&
           each.ends_with("% of the spans of 1 ms, whole ticks, have another number of sends (at most 25 %)");
  })) << ::testing::PrintToString(seen.reasons);
}

}  // namespace
}  // namespace assay::load
