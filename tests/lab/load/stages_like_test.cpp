#include "lab/load/stages_like.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <span>

#include "lab/load/schedule.hpp"
#include "lab/load/workload.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

model::arrivals at_rate(double per_s) {
  model::arrivals seen;
  seen.first = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
  seen.mean_per_s = per_s;
  return seen;
}

std::vector<double> rates(const std::vector<stage>& of) {
  std::vector<double> found;
  for (const stage& each : of) {
    EXPECT_EQ(each.length, 1s);
    EXPECT_GE(each.rate_per_s, 0);
    found.push_back(each.rate_per_s);
  }
  return found;
}

double mean(std::span<const double> of) {
  return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
}

TEST(stages_like, variances_are_those_that_make_the_dispersions) {
  constexpr double rate = 7;
  for (const auto& [v1, v10, v60] : {std::tuple(0.5, 0.0, 0.0), {0.0, 1.5, 0.0}, {0.0, 0.0, 2.0}, {0.4, 0.7, 1.1}}) {
    const double in_hour = 60 * v60 / (60 + v60);  // what of v60 is left when the hour's sum is given
    const double c60 = in_hour;
    const double c10 = (1 + v10) * (1 + c60) - 1;
    const double c1 = (1 + v1) * (1 + c10) - 1;
    model::arrivals seen = at_rate(rate);
    seen.dispersion = {{1, 1 + rate * c1}, {10, 1 + rate * (c1 + 9 * c10)}, {60, 1 + rate * (c1 + 9 * c10 + 50 * c60)}};
    const burst_laws found = bursts_of(seen.dispersion, {}, rate);
    EXPECT_NEAR(found.second.variance, v1, 1e-9);
    EXPECT_NEAR(found.ten.variance, v10, 1e-9);
    EXPECT_NEAR(found.minute.variance, v60, 1e-9);
  }
}

TEST(stages_like, what_poisson_arrivals_cannot_have_or_the_log_did_not_tell_adds_nothing) {
  model::arrivals seen = at_rate(5);
  EXPECT_EQ(bursts_of(seen.dispersion, {}, 5).second.variance, 0);
  seen.dispersion = {{1, 0.3}, {10, 0.2}, {60, 0.9}};
  const burst_laws steady = bursts_of(seen.dispersion, {}, 5);
  EXPECT_LT(steady.second.variance + steady.ten.variance + steady.minute.variance, 0.02);
  seen.dispersion = {{1, 3.0}};
  EXPECT_NEAR(bursts_of(seen.dispersion, {}, 5).second.variance, 0.4, 1e-9);
  EXPECT_EQ(bursts_of(seen.dispersion, {}, 5).minute.variance, 0);
  EXPECT_EQ(bursts_of(seen.dispersion, {}, 0).second.variance, 0);
}

TEST(stages_like, without_bursts_they_are_the_shape_of_the_day) {
  model::arrivals seen = at_rate(4);
  for (int hour = 0; hour < 24; ++hour) seen.hour_of_day.push_back(hour < 12 ? 0.5 : 1.5);
  seen.zone_minutes = 60;
  seen.first += 10h + 30min + 17s;  // 11:30:17 on that clock
  const auto found = rates(stages_like(seen, 2h, 1));
  ASSERT_EQ(found.size(), 7200U);
  const std::size_t noon = 30 * 60 - 17;
  EXPECT_DOUBLE_EQ(found[noon - 1], 2);
  EXPECT_DOUBLE_EQ(found[noon], 6);
}

TEST(stages_like, bursts_leave_each_hour_its_share_and_repeat_with_the_seed) {
  model::arrivals seen = at_rate(4);
  seen.dispersion = {{1, 5}, {10, 20}, {60, 60}};
  const auto found = rates(stages_like(seen, 3h, 9));
  for (std::size_t hour = 0; hour < 3; ++hour) EXPECT_NEAR(mean(std::span(found).subspan(hour * 3600, 3600)), 4, 1e-9);
  EXPECT_EQ(found, rates(stages_like(seen, 3h, 9)));
  EXPECT_NE(found, rates(stages_like(seen, 3h, 10)));
  EXPECT_EQ(stages_like(seen, longest_likeness + 1h, 1).size(), 7U * 24 * 3600);
}

TEST(stages_like, peaks_that_are_known_are_not_exceeded) {
  model::arrivals seen = at_rate(100);
  seen.dispersion = {{1, 61}, {10, 301}, {60, 801}};
  const auto free = rates(stages_like(seen, 20h, 3));
  seen.peak_to_mean = {{1, 6}, {10, 4}, {60, 2.5}};
  const burst_laws laws = bursts_of(seen.dispersion, seen.peak_to_mean, 100);
  EXPECT_NEAR(laws.minute.most, 2.5, 0.05);
  EXPECT_NEAR(laws.ten.most, 4 / 2.5, 0.05);
  EXPECT_NEAR(laws.second.most, 1.5, 0.1);
  const auto bounded = rates(stages_like(seen, 20h, 3));
  EXPECT_GT(std::ranges::max(free), 900);
  EXPECT_LT(std::ranges::max(bounded), 700);
  // As bursty as without the bound.
  const auto squares = [](const std::vector<double>& of) {
    double sum = 0;
    for (const double each : of) sum += (each - 100) * (each - 100) / 10'000;
    return sum / static_cast<double>(of.size());
  };
  EXPECT_NEAR(squares(bounded), 0.6, 0.1);
  // A bound that leaves little room for the variance gives way.
  EXPECT_GT(bursts_of(seen.dispersion, {{60, 1.0}, {10, 1.0}, {1, 1.0}}, 100).ten.most, 1.2);
}

TEST(stages_like, the_gamma_law_has_its_mean_and_variance) {
  // Of the seconds of many hours, each variable alone.
  for (const double variance : {0.2, 1.0, 4.0}) {
    model::arrivals seen = at_rate(1);
    seen.dispersion = {{1, 1 + variance}, {10, 1 + variance}, {60, 1 + variance}};
    const auto found = rates(stages_like(seen, 20h, 3));
    double squares = 0;
    for (const double each : found) squares += (each - 1) * (each - 1);
    EXPECT_NEAR(squares / static_cast<double>(found.size()) / variance, 1, 0.1) << variance;
  }
}

model::phase phase_of(double rate, duration length) {
  return {.name = "p", .kind = model::phase_kind::steady, .rate_per_s = rate, .length = length};
}

TEST(stage_of_a_phase, without_a_course_is_even) {
  const stage made = stage_of(phase_of(7, 3s), 0, 1);
  EXPECT_EQ(made.rate_per_s, 7);
  EXPECT_EQ(made.length, 3s);
  EXPECT_TRUE(made.course.empty());
}

TEST(stage_of_a_phase, has_its_shape_around_its_rate) {
  model::phase phase = phase_of(10, 3s);
  phase.shape = {1, 2, 3};
  EXPECT_EQ(stage_of(phase, 0, 1).course, (std::vector<double>{5, 10, 15}));
  phase.bursts = model::crowding{.of_rate_per_s = 0, .dispersion = {{1, 1.0}}};  // none
  EXPECT_EQ(stage_of(phase, 0, 1).course, (std::vector<double>{5, 10, 15}));
  phase.shape = {1, 1, 1, 5};  // finer than a second
  EXPECT_EQ(stage_of(phase, 0, 1).course, (std::vector<double>{5, 5, 5, 25}));
}

TEST(stage_of_a_phase, bursts_are_the_seeds_and_the_phases_own_and_add_no_requests) {
  model::phase phase = phase_of(10, 90min);
  phase.bursts = model::crowding{.of_rate_per_s = 0, .dispersion = {{1, 8.0}, {10, 30.0}, {60, 90.0}}};
  const stage made = stage_of(phase, 2, 5);
  ASSERT_EQ(made.course.size(), 5400U);
  EXPECT_NEAR(mean(made.course), 10, 1e-9);
  EXPECT_NEAR(mean(std::span(made.course).first(3600)), 10, 1e-9) << "each hour has its own";
  EXPECT_NEAR(made.arrivals(), 54'000, 1e-6);
  EXPECT_EQ(made.course, stage_of(phase, 2, 5).course);
  EXPECT_NE(made.course, stage_of(phase, 3, 5).course);
  EXPECT_NE(made.course, stage_of(phase, 2, 6).course);
}

// Variance over mean of the counts in windows of `scale` seconds.
double dispersion(const std::vector<double>& seconds, std::size_t scale) {
  double sum = 0;
  double squares = 0;
  const std::size_t windows = seconds.size() / scale;
  for (std::size_t w = 0; w < windows; ++w) {
    const double count = std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(w * scale),
                                         seconds.begin() + static_cast<std::ptrdiff_t>((w + 1) * scale), 0.0);
    sum += count;
    squares += count * count;
  }
  const auto n = static_cast<double>(windows);
  return (squares - sum * sum / n) / (n - 1) / (sum / n);
}

// Arrivals of the schedule itself, of many hours so that little is left to chance.
TEST(stage_of_a_phase, arrivals_crowd_as_they_were_asked_to) {
  for (const double rate : {4.0, 12.0}) {
    model::phase phase = phase_of(rate, 16h);
    phase.bursts = model::crowding{.of_rate_per_s = 4, .dispersion = {{1, 2.0}, {10, 5.0}, {60, 12.0}}};
    const std::vector<stage> stages{stage_of(phase, 0, 11)};
    std::vector<double> seconds(16UL * 3600);
    arrival_schedule schedule({.law = model::arrival_law::poisson, .seed = 11, .stages = stages});
    for (; schedule.peek() < phase.length; schedule.pop()) {
      ++seconds[static_cast<std::size_t>(schedule.peek() / 1s)];
    }
    for (const int scale : {1, 10, 60}) {
      const double wanted = phase.bursts->dispersion_at(scale, rate);
      EXPECT_NEAR(dispersion(seconds, static_cast<std::size_t>(scale)) / wanted, 1, 0.15) << rate << " " << scale;
    }
  }
}

TEST(clock_grid, bursts_begin_at_seconds_or_tens_of_seconds_of_the_clock) {
  model::phase plain{.name = "warm-up", .rate_per_s = 10};
  plain.length = 1500ms;
  model::phase crowded{.name = "peak", .rate_per_s = 10, .bursts = model::crowding{}};
  crowded.length = 60s;
  EXPECT_FALSE(clock_grid_of(std::vector{plain}));

  const auto tens = clock_grid_of(std::vector{plain, crowded});
  ASSERT_TRUE(tens);
  EXPECT_EQ(until_grid(*tens, 1'795'000'000s), 8500ms);
  EXPECT_EQ(until_grid(*tens, 1'795'000'008s + 500ms), 0s);
  EXPECT_EQ(until_grid(*tens, 1'795'000'008s + 501ms), 9999ms);

  crowded.length = 59s;
  const auto seconds = clock_grid_of(std::vector{crowded});
  ASSERT_TRUE(seconds);
  EXPECT_EQ(until_grid(*seconds, 1'795'000'008s + 501ms), 499ms);
}

TEST(stage_of_a_phase, is_what_a_plans_workload_runs) {
  model::phase phase = phase_of(10, 4s);
  phase.shape = {1, 3};
  workload_options options;
  options.address = "127.0.0.1:80";
  options.routes = {{.name = "GET /", .method = "GET", .target = "/"}};
  options.phases = {phase_of(5, 1s), phase};
  const auto made = bind_workload(options);
  ASSERT_TRUE(made) << made.error();
  EXPECT_TRUE(made->stages.at(0).course.empty());
  EXPECT_EQ(made->stages.at(1).course, (std::vector<double>{5, 15}));
  EXPECT_DOUBLE_EQ(made->arrivals_expected(), 45);
}

}  // namespace
}  // namespace assay::load
