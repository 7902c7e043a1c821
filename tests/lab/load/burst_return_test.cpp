#include "lab/load/burst_return.hpp"

#include <gtest/gtest.h>

#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

// Ten seconds at 100, a burst of five, twenty at 100.
const std::vector<stage> one_burst = {{.rate_per_s = 100, .length = 10s},
                                      {.rate_per_s = 1000, .length = 5s, .burst_of_per_s = 100},
                                      {.rate_per_s = 100, .length = 20s}};

std::vector<model::load_second> seconds_of(const std::vector<double>& p99_ms) {
  std::vector<model::load_second> seconds;
  for (const double each : p99_ms) {
    seconds.push_back({.at_s = static_cast<double>(seconds.size()), .offered = 100, .response_p99_ms = each});
  }
  return seconds;
}

std::vector<double> times(std::initializer_list<std::pair<int, double>> runs) {
  std::vector<double> all;
  for (const auto& [count, value] : runs) all.insert(all.end(), static_cast<std::size_t>(count), value);
  return all;
}

TEST(burst_return, is_the_first_of_three_seconds_at_the_level_of_before) {
  const auto seen =
      return_after_burst(one_burst, 1, seconds_of(times({{9, 2}, {1, 3}, {5, 50}, {4, 20}, {16, 3.7}})), 35s);
  EXPECT_EQ(seen.level_p99_ms, 3);
  EXPECT_EQ(seen.back_from_s, 4);
  EXPECT_EQ(seen.back_until_s, 5);
  EXPECT_EQ(seen.watched_s, 20);
  EXPECT_EQ(seen.why_not, "");
}

TEST(burst_return, one_good_second_among_bad_ones_is_chance) {
  const auto seen = return_after_burst(
      one_burst, 1, seconds_of(times({{10, 2}, {5, 50}, {2, 20}, {2, 2}, {1, 9}, {1, 2}, {14, 9}})), 35s);
  EXPECT_FALSE(seen.back_from_s);
  EXPECT_EQ(seen.why_not, "not back for 3 seconds in a row within 20 s");
}

TEST(burst_return, fast_errors_are_not_the_level_of_before) {
  auto seconds = seconds_of(times({{10, 2}, {5, 50}, {20, 1}}));
  for (std::size_t i = 15; i < 21; ++i) seconds[i].errors = 40;
  const auto seen = return_after_burst(one_burst, 1, seconds, 35s);
  EXPECT_EQ(seen.back_from_s, 6);
}

TEST(burst_return, seconds_without_requests_tell_nothing) {
  auto seconds = seconds_of(times({{10, 2}, {5, 50}, {20, 2}}));
  for (std::size_t i = 15; i < 18; ++i) seconds[i] = {.at_s = static_cast<double>(i)};
  EXPECT_EQ(return_after_burst(one_burst, 1, seconds, 35s).back_from_s, 3);
  for (std::size_t i = 0; i < 8; ++i) seconds[i].offered = 0;
  EXPECT_EQ(return_after_burst(one_burst, 1, seconds, 35s).why_not,
            "the level before is not known: expected at least 3 seconds of requests before the burst");
}

TEST(burst_return, another_burst_ends_the_watch_and_begins_the_level) {
  std::vector<stage> two = one_burst;
  two[2].length = 5s;
  two.push_back({.rate_per_s = 500, .length = 2s, .burst_of_per_s = 100});
  two.push_back({.rate_per_s = 100, .length = 8s});
  const auto seconds = seconds_of(times({{10, 2}, {5, 50}, {3, 30}, {2, 2}, {2, 50}, {8, 2}}));
  const auto first = return_after_burst(two, 1, seconds, 30s);
  EXPECT_EQ(first.why_not, "not back for 3 seconds in a row within 5 s");
  const auto second = return_after_burst(two, 3, seconds, 30s);
  EXPECT_EQ(second.level_p99_ms, 30) << "of the five seconds between the two, not of the first burst";
  EXPECT_EQ(second.back_from_s, 0);
}

TEST(burst_return, a_run_that_was_ended_in_the_burst_tells_nothing) {
  const auto seen = return_after_burst(one_burst, 1, seconds_of(times({{10, 2}, {25, 50}})), 12s);
  EXPECT_EQ(seen.watched_s, 0);
  EXPECT_EQ(seen.why_not, "not back for 3 seconds in a row within 0 s");
}

// A server of 500 a second that is asked 1000 for 4 s owes 2000 answers. At 100 a second it works them off in 5 s.
TEST(burst_return, is_what_the_backlog_of_a_queue_takes) {
  world stage(50us);
  stage.options.stages = {{.rate_per_s = 100, .length = 6s},
                          {.rate_per_s = 1000, .length = 4s, .burst_of_per_s = 100},
                          {.rate_per_s = 100, .length = 12s}};
  stage.options.timeout = 10s;
  stage.server.one_at_a_time = true;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 2ms}; };
  const outcome seen = stage.run();
  EXPECT_EQ(seen.measured.answers, 600U + 4000U + 1200U);
  const auto back = return_after_burst(stage.options.stages, 1, stage.seconds().seconds(), 22s);
  ASSERT_TRUE(back.level_p99_ms);
  EXPECT_NEAR(*back.level_p99_ms, 2.1, 0.05);
  ASSERT_TRUE(back.back_until_s) << back.why_not;
  EXPECT_NEAR(*back.back_until_s, 6, 1) << "2000 / (500 - 100) = 5 s, and the second in which it ends";
}

}  // namespace
}  // namespace assay::load
