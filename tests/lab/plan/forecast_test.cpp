#include "lab/plan/forecast.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::plan {
namespace {

using namespace std::chrono_literals;

model::plan small_plan(unsigned repeats, std::size_t candidates) {
  model::plan plan;
  plan.name = "small";
  plan.repeats = repeats;
  plan.workload.emplace_back().name = "GET /";
  const auto add = [&](const char* name, model::phase_kind kind, double rate, std::chrono::nanoseconds length) {
    model::phase& made = plan.phases.emplace_back();
    made.name = name;
    made.kind = kind;
    made.rate_per_s = rate;
    made.length = length;
  };
  add("warm", model::phase_kind::warm_up, 10, 10s);
  add("steady", model::phase_kind::steady, 100, 20s);
  for (std::size_t i = 0; i < candidates; ++i) plan.candidates.emplace_back().name = static_cast<char>('a' + i);
  return plan;
}

TEST(forecast, counts_trials_time_and_requests) {
  const model::forecast made = forecast_of(small_plan(3, 4));
  EXPECT_EQ(made.trials, 12U);
  EXPECT_EQ(made.trial_length, 30s);
  EXPECT_EQ(made.campaign_length, 12 * (30s + trial_overhead));
  EXPECT_EQ(made.trial_requests, 2100);
  EXPECT_EQ(made.campaign_requests, 25'200);
  EXPECT_EQ(made.comparisons, 3U);
}

TEST(forecast, half_widths_are_those_of_the_t_distribution) {
  // t(0.975, 4) = 2.776445, t(1 - 0.025 / 3, 4) = 3.960798: tables.
  const model::forecast made = forecast_of(small_plan(3, 4));
  ASSERT_EQ(made.differences.size(), 2U);
  EXPECT_NEAR(made.differences[0].alone, std::expm1(2.776445 * 0.05 * std::sqrt(2.0 / 3)), 1e-6);
  EXPECT_NEAR(made.differences[1].family, std::expm1(3.960798 * 0.10 * std::sqrt(2.0 / 3)), 1e-5);
}

TEST(forecast, says_what_the_rate_does_that_is_not_even) {
  model::plan plan = small_plan(3, 4);
  EXPECT_TRUE(forecast_of(plan).courses.empty());
  plan.phases[1].shape = {0, 1, 3, 0};
  plan.phases[1].bursts = model::crowding{.of_rate_per_s = 50, .dispersion = {{1, 3.0}, {10, 6.0}}};
  const model::forecast made = forecast_of(plan);
  ASSERT_EQ(made.courses.size(), 1U);
  const model::phase_course& course = made.courses[0];
  EXPECT_EQ(course.phase, "steady");
  EXPECT_EQ(course.parts, 4U);
  EXPECT_EQ(course.least_per_s, 0);
  EXPECT_EQ(course.most_per_s, 300);
  EXPECT_EQ(course.dispersion, (std::map<int, double>{{1, 5.0}}))
      << "twice the rate; twenty seconds are too few for ten";
  EXPECT_FALSE(course.too_short);
  plan.phases[1].length = 3s;
  EXPECT_TRUE(forecast_of(plan).courses[0].too_short);
  EXPECT_EQ(made.trial_requests, 2100) << "the mean is the rate";
}

TEST(forecast, one_run_of_each_tells_nothing_apart) {
  EXPECT_TRUE(forecast_of(small_plan(1, 4)).differences.empty());
  EXPECT_TRUE(forecast_of(small_plan(3, 1)).differences.empty());
}

}  // namespace
}  // namespace assay::plan
