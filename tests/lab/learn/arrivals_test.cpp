#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "lab/learn/arrival_counts.hpp"
#include "lab/learn/session_counts.hpp"

namespace assay::learn {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);

// `rate(second)` requests a second, Poisson, for `seconds`.
template <typename Rate>
model::arrivals poisson(std::int64_t seconds, unsigned seed, Rate&& rate) {
  std::mt19937_64 random(seed);
  arrival_counts counts;
  for (std::int64_t s = 0; s < seconds; ++s) {
    std::poisson_distribution<int> law(rate(s));
    for (int i = law(random); i > 0; --i) counts.add(midnight + std::chrono::seconds(s), 0min);
  }
  return counts.describe();
}

TEST(arrivals, poisson_has_a_dispersion_of_one_at_every_scale) {
  const model::arrivals seen = poisson(86'400, 1, [](auto) { return 2.0; });
  EXPECT_NEAR(seen.mean_per_s, 2, 0.03);
  EXPECT_NEAR(seen.median_hour_per_s, 2, 0.05);
  ASSERT_EQ(seen.dispersion.size(), 4U);
  EXPECT_NEAR(seen.dispersion.at(1), 1, 0.03);
  EXPECT_NEAR(seen.dispersion.at(10), 1, 0.06);
  EXPECT_NEAR(seen.dispersion.at(60), 1, 0.15);
  EXPECT_NEAR(seen.dispersion.at(300), 1, 0.3);
  EXPECT_EQ(seen.hour_of_day.size(), 24U);
}

TEST(arrivals, the_shape_of_a_day_is_no_burst) {
  const auto daily = [](std::int64_t s) {
    return 2 + 1.5 * std::sin(2 * std::numbers::pi * static_cast<double>(s) / 86'400);
  };
  const model::arrivals seen = poisson(86'400, 2, daily);
  EXPECT_NEAR(seen.dispersion.at(60), 1, 0.25);
  EXPECT_NEAR(seen.busiest_hour_per_s, 3.48, 0.1);
  EXPECT_NEAR(seen.hour_of_day.at(6), 1.74, 0.05);
  EXPECT_NEAR(seen.hour_of_day.at(18), 0.26, 0.05);
}

TEST(arrivals, bursts_show) {
  // Ten times the rate for one second in ten.
  const model::arrivals seen = poisson(20'000, 3, [](std::int64_t s) { return s % 10 == 0 ? 10.0 : 1.0; });
  EXPECT_NEAR(seen.dispersion.at(1), 1 + 0.09 * 81 / 1.9, 0.4);  // 1 + variance of the rate over its mean
  EXPECT_NEAR(seen.dispersion.at(10), 1, 0.15) << "each ten seconds have one";
  EXPECT_NEAR(seen.peak_to_mean.at(60), 1, 0.4);
}

TEST(arrivals, exact_counts) {
  arrival_counts counts;
  for (int s = 0; s < 3 * 3600; ++s) {
    const int requests = s < 3600 ? 1 : s < 7200 ? 2 : 6;
    for (int i = 0; i < requests; ++i) counts.add(midnight + std::chrono::seconds(s), 90min);
  }
  const model::arrivals seen = counts.describe();
  EXPECT_EQ(seen.first, midnight);
  EXPECT_EQ(seen.last, midnight + 10'799s);
  EXPECT_EQ(seen.requests, 9U * 3600);
  EXPECT_DOUBLE_EQ(seen.mean_per_s, 3);
  EXPECT_EQ(seen.whole_hours, 3);
  EXPECT_DOUBLE_EQ(seen.median_hour_per_s, 2);
  EXPECT_DOUBLE_EQ(seen.busiest_hour_per_s, 6);
  EXPECT_DOUBLE_EQ(seen.busiest_second_per_s, 6);
  EXPECT_DOUBLE_EQ(seen.peak_to_mean.at(300), 2);
  EXPECT_DOUBLE_EQ(seen.dispersion.at(1), 0) << "steady within the hours";
  EXPECT_TRUE(seen.hour_of_day.empty()) << "three hours are no day";
  EXPECT_EQ(seen.zone_minutes, 90);
}

TEST(arrivals, the_worst_minute_is_busy_and_crowded) {
  arrival_counts counts;
  const auto add = [&](std::int64_t second, int requests) {
    for (int i = 0; i < requests; ++i) counts.add(midnight + std::chrono::seconds(second), 0min);
  };
  for (int s = 0; s < 600; ++s) add(s, 1);
  for (int s = 0; s < 60; ++s) add(100 + s, 2);  // more requests in all
  for (int s = 0; s < 3; ++s) add(400 + s, 30);  // fewer, at once
  const model::arrivals seen = counts.describe();
  ASSERT_EQ(seen.worst_minute.size(), 60U);
  EXPECT_EQ(std::ranges::count(seen.worst_minute, 31U), 3);
  EXPECT_EQ(std::ranges::count(seen.worst_minute, 1U), 57);

  arrival_counts less;
  for (int s = 0; s < 59; ++s) less.add(midnight + std::chrono::seconds(s), 0min);
  EXPECT_TRUE(less.describe().worst_minute.empty());
  less.add(midnight + 59s, 0min);
  EXPECT_EQ(less.describe().worst_minute, std::vector<std::uint64_t>(60, 1));
}

// One request a minute, two in the tenth hour of Monday by the log's clock.
model::arrivals a_week(int days, std::chrono::minutes zone) {
  arrival_counts counts;
  for (int minute = 0; minute < days * 24 * 60; ++minute) {
    const int requests = minute / 60 == 9 ? 2 : 1;
    for (int i = 0; i < requests; ++i) counts.add(midnight - zone + std::chrono::minutes(minute), zone);
  }
  return counts.describe();
}

TEST(arrivals, of_a_week_have_its_shape) {
  for (const auto zone : {90min, -330min}) {
    const model::arrivals seen = a_week(7, zone);
    ASSERT_EQ(seen.hour_of_week.size(), 168U);
    EXPECT_DOUBLE_EQ(seen.hour_of_week[9], 2 * seen.hour_of_week[10]) << "Monday";
    EXPECT_DOUBLE_EQ(seen.hour_of_week[24 + 9], seen.hour_of_week[10]) << "Tuesday";
    EXPECT_NEAR(seen.hour_of_day[9], 8.0 / 7 * seen.hour_of_day[10], 1e-9);
  }
  EXPECT_TRUE(a_week(6, 0min).hour_of_week.empty());
}

TEST(arrivals, short_logs_estimate_little) {
  arrival_counts counts;
  EXPECT_EQ(counts.describe().requests, 0U);
  counts.add(midnight + 5s, 0min);
  const model::arrivals one = counts.describe();
  EXPECT_DOUBLE_EQ(one.mean_per_s, 1);
  EXPECT_DOUBLE_EQ(one.median_hour_per_s, 1) << "the mean stands in";
  EXPECT_EQ(one.whole_hours, 0);
  EXPECT_TRUE(one.dispersion.empty());
  EXPECT_TRUE(one.peak_to_mean.empty());
}

TEST(arrivals, a_wrong_clock_does_not_stretch_the_log) {
  arrival_counts counts;
  counts.add(std::chrono::sys_days(std::chrono::year(1999) / 1 / 1), 0min);
  for (int s = 0; s < 100; ++s) counts.add(midnight + std::chrono::seconds(s), 0min);
  counts.add(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31), 0min);
  const model::arrivals seen = counts.describe();
  EXPECT_EQ(seen.requests, 100U);
  EXPECT_EQ(seen.first, midnight);
  EXPECT_DOUBLE_EQ(seen.mean_per_s, 1);
}

TEST(arrivals, at_most_a_month) {
  arrival_counts counts;
  for (int day = 0; day < 40; ++day) counts.add(midnight + std::chrono::days(day), 0min);
  const model::arrivals seen = counts.describe();
  EXPECT_EQ(seen.requests, max_days);
  EXPECT_EQ(seen.last, midnight + std::chrono::days(30));
}

TEST(sessions, end_after_half_an_hour) {
  session_counts counts;
  for (const auto at : {0s, 10s, 20s, 20s, 1819s}) counts.add("192.0.2.1", "a", midnight + at);  // 1799 s: still one
  counts.add("192.0.2.1", "a", midnight + 3619s);                                                // 1800 s: another
  counts.add("192.0.2.1", "b", midnight);
  counts.add("192.0.2.2", "a", midnight);
  counts.add("192.0.2.2", "a", midnight - 3s);  // a little disorder
  counts.add("192.0.2.2", "a", midnight + 7s);
  const model::sessions seen = counts.describe();
  EXPECT_EQ(seen.count, 4U);
  EXPECT_DOUBLE_EQ(seen.requests_mean, 2.5);
  EXPECT_DOUBLE_EQ(seen.think_time_p50_s, 7) << "of 0, 0, 7, 10, 10, 1799";
  EXPECT_DOUBLE_EQ(seen.think_time_mean_s, 1826.0 / 6);
  EXPECT_NEAR(seen.think_time_cv, std::sqrt(3'236'650.0 / 6 - 1826.0 * 1826 / 36) / (1826.0 / 6), 1e-9);
  EXPECT_DOUBLE_EQ(seen.requests_p50, 1) << "of 1, 1, 3, 5";
  EXPECT_DOUBLE_EQ(seen.requests_p99, 5);
  EXPECT_EQ(seen.length_law, "") << "four are too few";
  EXPECT_EQ(counts.untracked(), 0U);
}

TEST(sessions, do_not_depend_on_which_rotated_log_comes_first) {
  for (const bool newest_first : {false, true}) {
    session_counts counts;
    for (const int i : {0, 1}) {
      const auto begins = midnight + std::chrono::days((i == 0) == newest_first ? 1 : 0);
      for (int s = 0; s < 50; ++s) counts.add("192.0.2.1", "a", begins + std::chrono::seconds(7 * s));
    }
    EXPECT_EQ(counts.describe().count, 2U) << newest_first;
    EXPECT_DOUBLE_EQ(counts.describe().think_time_p50_s, 7) << newest_first;
    EXPECT_DOUBLE_EQ(counts.describe().think_time_p90_s, 7) << newest_first;
  }
}

TEST(sessions, have_a_law_of_their_length) {
  const auto law = [](auto&& length_of) {
    session_counts counts;
    for (int i = 0; i < 2000; ++i) {
      const int length = length_of(i);
      for (int request = 0; request < length; ++request) counts.add(std::to_string(i), "", midnight);
    }
    return counts.describe();
  };
  const auto geometric = law([](int i) { return 1 + static_cast<int>(std::log((i + 0.5) / 2000) / std::log(0.75)); });
  EXPECT_EQ(geometric.length_law, "geometric");
  EXPECT_NEAR(geometric.requests_mean, 4, 0.02);
  EXPECT_DOUBLE_EQ(geometric.requests_p50, 3);
  EXPECT_LT(geometric.geometric_distance, 0.002);
  EXPECT_EQ(law([](int i) { return i % 2 == 0 ? 1 : 7; }).length_law, "lighter");
  const auto heavy = law([](int i) { return static_cast<int>(std::pow((i + 0.5) / 2000, -1 / 1.5)); });
  EXPECT_EQ(heavy.length_law, "heavier");
  ASSERT_TRUE(heavy.length_tail.has_value());
  EXPECT_NEAR(heavy.length_tail->alpha.value, 1.5, 0.25) << "of whole numbers";
  EXPECT_TRUE(heavy.length_tail->is_heavy());
}

TEST(sessions, that_have_ended_are_as_long_as_they_were) {
  session_counts counts;
  for (int s = 0; s < 10; ++s) counts.add("192.0.2.1", "a", midnight + std::chrono::seconds(s));
  counts.add("192.0.2.1", "a", midnight + 2h);  // another: the first has ended
  EXPECT_DOUBLE_EQ(counts.describe().requests_p99, 10);
  EXPECT_DOUBLE_EQ(counts.describe().requests_p50, 1);
}

TEST(sessions, of_older_logs_find_room_too) {
  session_counts counts;
  for (std::size_t i = 0; i < max_open_sessions; ++i)
    counts.add(std::to_string(i), "", midnight + std::chrono::days(1));
  counts.add("next", "", midnight + std::chrono::days(1) + 3600s);  // the others have ended: swept
  for (std::size_t i = 0; i < max_open_sessions; ++i) counts.add(std::to_string(i), "", midnight);
  EXPECT_EQ(counts.untracked(), 0U);
}

TEST(sessions, are_bounded) {
  session_counts counts;
  for (std::size_t i = 0; i < max_open_sessions + 5; ++i) counts.add(std::to_string(i), "", midnight + 61s);
  EXPECT_EQ(counts.untracked(), 5U);
  counts.add("late", "", midnight + 3600s);  // the others have ended by now
  EXPECT_EQ(counts.untracked(), 5U);
  EXPECT_EQ(counts.describe().count, max_open_sessions + 1);
}

}  // namespace
}  // namespace assay::learn
