#include "lab/plan/forecast.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

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

// Of simulated campaigns, two groups of normal runs whose means are `apart` true standard errors from each other: the
// share in which the difference exceeds `t` standard errors as they were estimated.
double share_found(double apart, double t, int runs) {
  constexpr int campaigns = 40'000;
  std::mt19937_64 random(20'261);
  std::normal_distribution<double> run;
  int found = 0;
  for (int i = 0; i < campaigns; ++i) {
    double squares = 0;
    std::array<double, 2> means{};
    for (double& mean : means) {
      double sum = 0;
      double sum_of_squares = 0;
      for (int k = 0; k < runs; ++k) {
        const double value = run(random);
        sum += value;
        sum_of_squares += value * value;
      }
      mean = sum / runs;
      squares += sum_of_squares - sum * mean;
    }
    const double error = std::sqrt(squares / (2.0 * (runs - 1)) * 2 / runs);
    found += means[0] - means[1] + apart * std::sqrt(2.0 / runs) > t * error;
  }
  return static_cast<double>(found) / campaigns;
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

// Against simulated campaigns: the standard error of a share of 40,000 is 0.002.
TEST(forecast, finds_a_difference_with_the_power_that_it_says) {
  const model::forecast made = forecast_of(small_plan(3, 4));
  ASSERT_EQ(made.differences.size(), 2U);
  for (const model::detectable_difference& each : made.differences) {
    const double error = each.assumed_log_sd * std::sqrt(2.0 / 3);
    EXPECT_GT(each.found_alone, std::expm1(std::log(1.1) + std::log1p(each.alone))) << "half would be found there";
    EXPECT_GT(each.found_family, each.found_alone);
    const double beyond = std::log1p(each.found_alone) - std::log(1.1);
    EXPECT_NEAR(share_found(beyond / error, 2.776445, 3), 0.8, 0.01);
  }
  const double many = forecast_of(small_plan(30, 4)).differences[0].found_alone;
  EXPECT_LT(many, made.differences[0].found_alone);
  EXPECT_GT(many, 0.1) << "the margin remains";
  EXPECT_EQ(made.margin, 0.1);
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

TEST(forecast, counts_background_tasks_apart) {
  model::plan plan = small_plan(3, 4);
  model::background_task& task = plan.background.emplace_back();
  task.every = std::chrono::seconds(4);
  task.phases = {"steady"};
  const model::forecast made = forecast_of(plan);
  EXPECT_EQ(made.background_times, std::vector<std::uint64_t>{5}) << "12, 16, 20, 24, 28 s";
  EXPECT_EQ(made.trial_requests, 2100);
}

TEST(forecast, one_run_of_each_tells_nothing_apart) {
  EXPECT_TRUE(forecast_of(small_plan(1, 4)).differences.empty());
  EXPECT_TRUE(forecast_of(small_plan(3, 1)).differences.empty());
}

}  // namespace
}  // namespace assay::plan
