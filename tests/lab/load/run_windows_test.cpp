// Objectives of each window of a run: folded as windows end, whoever ends them.
#include "lab/load/run_windows.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "lab/load/gate.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

void answered(interval_recorder& into, duration at, duration response, std::uint64_t times = 1) {
  into.offered(at, times);
  into.ended(at, true, std::nullopt, response, times);
}

window_series series_of(std::string_view gates, duration run, unsigned threads = 1) {
  return {run, threads, parse_gates(gates).value()};
}

TEST(run_windows, tell_each_objective_its_worst_window) {
  window_series series =
      series_of("p99<20ms every 10s,errors<4% every 10s,rate>96 every 10s,max<50ms every 10s,p99.9<9s every 10s", 30s);
  interval_recorder thread(series);
  answered(thread, 5s, 10ms, 1000);
  answered(thread, 15s, 30ms, 950);
  thread.offered(16s, 50);
  thread.ended(16s, false, failure_kind::reset, std::nullopt, 50);
  thread.finish(30s);  // in the third nothing was to be sent
  const std::vector<model::window_outcome>& told = series.outcomes();
  ASSERT_EQ(told.size(), 5U);
  for (const model::window_outcome& each : told) EXPECT_EQ(each.windows, 2U) << each.gate;
  EXPECT_NEAR(*told[0].value, 30e6, 0.01 * 30e6);
  EXPECT_EQ(told[0].start_s, 10);
  EXPECT_EQ(told[0].length_s, 10);
  EXPECT_EQ(told[0].failed, 1U);
  EXPECT_EQ(told[0].answers, 950U);
  EXPECT_DOUBLE_EQ(*told[1].value, 0.05);
  EXPECT_EQ(*told[2].value, 95) << "the lowest rate is the worst";
  EXPECT_EQ(told[2].failed, 1U);
  EXPECT_EQ(told[3].failed, 0U);
  EXPECT_FALSE(told[4].value) << "1,000 answers do not tell it";
  EXPECT_EQ(told[4].start_s, 0) << "the first that does not";
  EXPECT_EQ(told[4].failed, 2U);
}

TEST(run_windows, are_told_alike_in_whichever_order_they_end) {
  for (const bool first_ends_last : {false, true}) {
    window_series series = series_of("max<1s every 1s,p50<1s every 1s", 4s);
    interval_recorder thread(series);
    thread.offered(500ms);
    if (!first_ends_last) thread.ended(500ms, true, std::nullopt, 2s);
    answered(thread, 1500ms, 2s);
    answered(thread, 2500ms, 3ms, 100);
    if (first_ends_last) thread.ended(500ms, true, std::nullopt, 2s);
    thread.finish(4s);
    EXPECT_NEAR(*series.outcomes()[0].value, 2e9, 0.02 * 2e9);
    EXPECT_EQ(series.outcomes()[0].start_s, 0) << "the first of two that are as bad";
    EXPECT_EQ(series.outcomes()[0].failed, 2U);
    EXPECT_FALSE(series.outcomes()[1].value);
    EXPECT_EQ(series.outcomes()[1].start_s, 0);
    EXPECT_EQ(series.outcomes()[1].answers, 1U);
  }
}

TEST(run_windows, are_of_all_threads_together) {
  window_series series = series_of("p90<50ms every 1s", 1s, 2);
  interval_recorder one(series);
  interval_recorder two(series);
  answered(one, 10ms, 1ms, 85);
  one.finish(1s);
  EXPECT_EQ(series.outcomes()[0].windows, 0U) << "the other may have more of it";
  answered(two, 20ms, 100ms, 15);
  two.finish(1s);
  ASSERT_TRUE(series.outcomes()[0].value);
  EXPECT_NEAR(*series.outcomes()[0].value, 100e6, 2e6);
}

TEST(run_windows, count_when_they_were_whole) {
  window_series series = series_of("max<1s every 2s", 9500ms);
  interval_recorder thread(series);
  for (int s = 0; s < 7; ++s) answered(thread, s * duration(1s), 1ms);
  thread.finish(6100ms);
  EXPECT_EQ(series.outcomes()[0].windows, 3U) << "it was ended in the fourth";

  window_series to_the_end = series_of("max<1s every 2s", 9500ms);
  interval_recorder other(to_the_end);
  for (int s = 0; s < 9; ++s) answered(other, s * duration(1s), 1ms);
  other.offered(9200ms, 99s);  // nothing more comes, as sessions know
  other.ended(9200ms, true, std::nullopt, 5s);
  other.finish(9500ms);
  EXPECT_EQ(to_the_end.outcomes()[0].windows, 4U) << "the last is shorter";
  EXPECT_LT(*to_the_end.outcomes()[0].value, 2e6);
}

workload two_requests() {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  options.rate_per_s = 100;
  options.length = 10s;
  options.routes = {{.name = "GET /a", .method = "GET", .target = "/a"},
                    {.name = "GET /b", .method = "GET", .target = "/b"}};
  options.windowed = parse_gates("max<1s every 1s,max[GET /b]<20ms every 1s").value();
  return workload_of(normalize(options).value());
}

struct of_requests : ::testing::Test {
  workload work = two_requests();
};

TEST_F(of_requests, are_of_the_one_that_is_named) {
  run_windows windows(work);
  window_recorders thread(windows);
  for (int s = 0; s < 10; ++s) {
    for (const std::size_t route : {0U, 1U}) {
      thread.offered(route, s * duration(1s));
      thread.ended(route, s * duration(1s), true, std::nullopt, route == 0 ? 500ms : s == 7 ? duration(40ms) : 10ms);
    }
  }
  thread.finish(10s);
  const std::vector<model::window_outcome> told = windows.outcomes();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].gate, "max<1s every 1s");
  EXPECT_GT(*told[0].value, 490e6);
  EXPECT_EQ(told[1].gate, "max[GET /b]<20ms every 1s");
  EXPECT_NEAR(*told[1].value, 40e6, 1e6);
  EXPECT_EQ(told[1].start_s, 7);
  EXPECT_EQ(told[1].failed, 1U);
  EXPECT_EQ(told[1].windows, 10U);
}

TEST_F(of_requests, are_over_although_that_one_is_rare) {
  work.threads = 2;
  run_windows windows(work);
  window_recorders one(windows);
  window_recorders two(windows);
  one.offered(1, 100ms);
  one.ended(1, 100ms, true, std::nullopt, 1ms);
  EXPECT_EQ(windows.outcomes()[1].windows, 0U);
  one.offered(0, 5s);
  two.offered(0, 5s);
  EXPECT_EQ(windows.outcomes()[1].windows, 1U) << "both threads are past it, without another of these";
  EXPECT_EQ(windows.outcomes()[0].windows, 1U);
}

TEST(run_windows, are_none_without_an_objective) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  const run_windows none(workload_of(normalize(options).value()));
  EXPECT_FALSE(none.any());
  EXPECT_TRUE(none.outcomes().empty());
}

}  // namespace
}  // namespace assay::load
