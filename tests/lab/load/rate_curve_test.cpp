// Ramps and sines: the inverse is checked against the rate's own integral, and schedules against what they promise.
#include "lab/load/rate_curve.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "lab/load/schedule.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using model::arrival_law;

// Written apart from the curve: the midpoint rule over the rate.
double integrated(const stage& of, double until_ns) {
  constexpr int steps = 20'000;
  const double step = until_ns / steps;
  const auto length = static_cast<double>(of.length.count());
  double sum = 0;
  for (int i = 0; i < steps; ++i) {
    const double at = (i + 0.5) * step;
    double rate = of.rate_per_s;
    if (of.end_rate_per_s) rate += (*of.end_rate_per_s - of.rate_per_s) * at / length;
    if (!of.course.empty())
      rate = of.course[static_cast<std::size_t>(at / length * static_cast<double>(of.course.size()))];
    if (of.swing_per_s > 0)
      rate += of.swing_per_s * std::sin(2 * std::numbers::pi * at / static_cast<double>(of.period.count()));
    sum += rate * step / 1e9;
  }
  return sum;
}

const std::vector<stage> shapes = {
    {.rate_per_s = 100, .length = 10s},
    {.rate_per_s = 0, .length = 10s, .end_rate_per_s = 500},
    {.rate_per_s = 500, .length = 10s, .end_rate_per_s = 0},
    {.rate_per_s = 333, .length = 7s, .end_rate_per_s = 334},
    {.rate_per_s = 10'000, .length = 60s, .end_rate_per_s = 100},
    {.rate_per_s = 200, .length = 10s, .swing_per_s = 50, .period = 3s},
    {.rate_per_s = 200, .length = 10s, .swing_per_s = 200, .period = 700ms},
    {.rate_per_s = 0.5, .length = 3600s, .swing_per_s = 0.4, .period = 86'400s},
    {.rate_per_s = 30, .length = 10s, .course = {10, 50, 0, 20, 70}},
    {.rate_per_s = 20, .length = 8s, .course = {0, 0, 40, 40}},
};

TEST(rate_curve, counts_what_the_rate_integrates_to) {
  for (const stage& each : shapes) {
    const rate_curve curve(each);
    const auto length = static_cast<double>(each.length.count());
    for (const double part : {0.01, 0.25, 0.5, 0.77, 1.0}) {
      // The rule knows a step of a course to within one of its own.
      const double close = each.course.empty() ? 1e-6 : 1e-4;
      EXPECT_NEAR(curve.arrivals_until(part * length), integrated(each, part * length), close * each.arrivals());
    }
  }
}

TEST(rate_curve, reaches_a_count_when_so_many_are_expected) {
  for (const stage& each : shapes) {
    const rate_curve curve(each);
    double before = 0;
    for (int i = 0; i <= 1000; ++i) {
      const double arrivals = each.arrivals() * i / 1000;
      const double at = curve.reached_at(arrivals);
      ASSERT_GE(at, before) << i;
      ASSERT_NEAR(curve.arrivals_until(at), arrivals, 1e-9 * (1 + each.arrivals())) << i;
      before = at;
    }
  }
}

TEST(rate_curve, a_ramp_down_has_no_more_than_it_has) {
  const rate_curve down({.rate_per_s = 500, .length = 10s, .end_rate_per_s = 0});
  EXPECT_NEAR(down.reached_at(2500), 1e10, 1e4);  // a flat end: the last digits of the count are many of time
  EXPECT_TRUE(std::isinf(down.reached_at(2501)));
  EXPECT_TRUE(std::isinf(rate_curve({.rate_per_s = 0, .length = 1s}).reached_at(0)));
}

TEST(rate_curve, a_course_is_silent_where_it_has_no_rate) {
  const rate_curve curve({.rate_per_s = 20, .length = 6s, .course = {0, 60, 0}});
  EXPECT_EQ(curve.reached_at(0), 2e9) << "nothing comes before";
  EXPECT_NEAR(curve.reached_at(60), 3e9, 1);
  EXPECT_NEAR(curve.reached_at(120), 4e9, 1);
  EXPECT_TRUE(std::isinf(curve.reached_at(121)));
  EXPECT_EQ(curve.arrivals_until(1e9), 0);
  EXPECT_NEAR(curve.arrivals_until(5e9), 120, 1e-9);
  // Behind its end the last step goes on.
  EXPECT_NEAR(rate_curve({.rate_per_s = 15, .length = 2s, .course = {10, 20}}).reached_at(50), 3e9, 1);
}

std::vector<double> offsets_s(const schedule_options& options, duration until) {
  std::vector<double> offsets;
  for (arrival_schedule schedule(options); schedule.peek() < until; schedule.pop()) {
    offsets.push_back(std::chrono::duration<double>(schedule.peek()).count());
  }
  return offsets;
}

TEST(rate_curve, stages_of_all_shapes_follow_one_another) {
  const std::vector<stage> stages = {{.rate_per_s = 0, .length = 10s, .end_rate_per_s = 100},
                                     {.rate_per_s = 100, .length = 10s},
                                     {.rate_per_s = 0, .length = 5s},
                                     {.rate_per_s = 100, .length = 20s, .swing_per_s = 80, .period = 10s},
                                     {.rate_per_s = 100, .length = 10s, .end_rate_per_s = 0}};
  arrival_schedule schedule({.stages = stages});
  std::vector<int> seen(stages.size());
  duration before{};
  for (; schedule.peek() < 55s; schedule.pop()) {
    ASSERT_GE(schedule.peek(), before);
    before = schedule.peek();
    ++seen[schedule.stage_index()];
  }
  EXPECT_EQ(seen, (std::vector<int>{500, 1000, 0, 2000, 500}));
}

TEST(rate_curve, threads_together_make_the_schedule_of_one) {
  for (const stage& each : shapes) {
    const std::vector<stage> stages = {each};
    std::vector<double> all;
    for (unsigned thread = 0; thread < 3; ++thread) {
      const std::vector<double> share = offsets_s({.thread = thread, .threads = 3, .stages = stages}, each.length);
      all.insert(all.end(), share.begin(), share.end());
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, offsets_s({.stages = stages}, each.length));
  }
}

// In rescaled time the arrivals of any shape are a Poisson process of rate one; so are their numbers in equal parts of
// it. Chi-squared over 50 parts, 1 % point of 50 degrees of freedom.
TEST(rate_curve, poisson_arrivals_have_the_shape_in_expectation) {
  for (const stage& each : shapes) {
    stage longer = each;
    if (longer.arrivals() < 5000) longer.rate_per_s = longer.rate_per_s * 5000 / longer.arrivals();
    longer.swing_per_s = std::min(longer.swing_per_s, longer.rate_per_s);
    const std::vector<stage> stages = {longer};
    const rate_curve curve(longer);
    const double expected = longer.arrivals() / 50;
    std::vector<double> counts(50);
    for (const double at : offsets_s({.law = arrival_law::poisson, .seed = 11, .stages = stages}, longer.length)) {
      const auto part = static_cast<std::size_t>(curve.arrivals_until(at * 1e9) / expected);
      ++counts[std::min<std::size_t>(part, 49)];
    }
    double statistic = 0;
    for (const double count : counts) statistic += (count - expected) * (count - expected) / expected;
    EXPECT_LT(statistic, 76.15) << longer.rate_per_s;
  }
}

TEST(rate_curve, skipping_counts_what_lies_between) {
  const std::vector<stage> stages = {{.rate_per_s = 10, .length = 10s, .end_rate_per_s = 1000},
                                     {.rate_per_s = 300, .length = 10s, .swing_per_s = 300, .period = 4s}};
  for (const duration until : {duration(3s), duration(9999ms), duration(12s), duration(17'123ms)}) {
    arrival_schedule stepped({.stages = stages});
    std::uint64_t count = 0;
    for (; stepped.peek() < until; stepped.pop()) ++count;
    arrival_schedule skipped({.stages = stages});
    EXPECT_EQ(skipped.skip_until(until), count);
    EXPECT_EQ(skipped.peek(), stepped.peek());
    EXPECT_EQ(skipped.stage_index(), stepped.stage_index());
  }
}

}  // namespace
}  // namespace assay::load
