#include "lab/load/second_series.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "lab/load/coming_seconds.hpp"
#include "lab/load/measurements.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

void request(second_recorder& into, duration at, duration response) {
  into.offered(at);
  into.ended(at, true, std::nullopt, response);
}

TEST(second_series, a_second_is_over_when_its_requests_have_ended_and_the_next_has_begun) {
  second_series series(3s, 1);
  second_recorder thread(series);
  request(thread, 100ms, 5ms);
  thread.offered(900ms);
  EXPECT_FALSE(series.last()) << "more may come, and one is on its way";
  request(thread, 1100ms, 7ms);
  EXPECT_FALSE(series.last()) << "one is still on its way";
  thread.sent(900ms, 3ms);
  EXPECT_FALSE(series.is_over(0));
  thread.ended(900ms, true, failure_kind::status_5xx, 250ms);
  ASSERT_TRUE(series.is_over(0));
  EXPECT_FALSE(series.is_over(1));
  ASSERT_TRUE(series.last());
  const model::load_second first = *series.last();
  EXPECT_EQ(first.at_s, 0);
  EXPECT_EQ(first.offered, 2U);
  EXPECT_EQ(first.answered, 2U);
  EXPECT_EQ(first.errors, 1U);
  EXPECT_NEAR(first.response_p50_ms, 5, 0.05);
  EXPECT_EQ(first.response_max_ms, 250);
  EXPECT_EQ(series.details(0).errors[static_cast<std::size_t>(failure_kind::status_5xx)], 1U);
  EXPECT_EQ(series.details(0).own_lag_max_ns, 3'000'000U);
  EXPECT_EQ(series.details(0).sent, 1U);
  EXPECT_EQ(series.details(0).sent_late, 1U) << "by more than the verdict bears with";
  EXPECT_EQ(series.details(0).response_times, 2U);
  thread.finish();
  EXPECT_EQ(series.last()->at_s, 2);
  EXPECT_EQ(series.seconds()[1].offered, 1U);
  EXPECT_EQ(series.seconds()[2].offered, 0U);
  EXPECT_EQ(series.seconds()[2].response_p99_ms, 0);
}

TEST(second_series, a_broadcast_is_as_many_as_it_has_deliveries) {
  second_series series(2s, 1);
  second_recorder thread(series);
  thread.offered(500ms, 10);
  thread.ended(500ms, true, std::nullopt, 1ms);
  thread.ended(500ms, false, failure_kind::closed, std::nullopt, 4);
  thread.offered(1500ms, 10);
  thread.ended(500ms, false, failure_kind::timed_out, 5s, 4);
  EXPECT_FALSE(series.is_over(0)) << "one is still on its way";
  thread.ended(500ms, true, std::nullopt, 2ms);
  ASSERT_TRUE(series.is_over(0));
  EXPECT_EQ(series.sums(0).offered, 10U);
  EXPECT_EQ(series.sums(0).answered, 2U);
  EXPECT_EQ(series.sums(0).errors, 8U);
  EXPECT_EQ(series.details(0).errors[static_cast<std::size_t>(failure_kind::closed)], 4U);
  EXPECT_EQ(series.details(0).response_times, 6U) << "what failed fast is in no percentile";
  thread.ended(1500ms, true, std::nullopt, 1ms, 10);
  thread.finish();
  EXPECT_EQ(series.sums(1).answered, 10U);
}

TEST(second_series, threads_are_merged_before_quantiles_are_taken) {
  second_series series(2s, 2);
  second_recorder one(series);
  second_recorder two(series);
  for (int i = 0; i < 90; ++i) request(one, 10ms, 1ms);
  one.finish();
  EXPECT_FALSE(series.last()) << "the other has not come so far";
  for (int i = 0; i < 10; ++i) request(two, 20ms, 100ms);
  two.finish();
  EXPECT_NEAR(series.seconds()[0].response_p50_ms, 1, 0.01);
  EXPECT_NEAR(series.seconds()[0].response_p99_ms, 100, 1);
  EXPECT_EQ(series.seconds()[0].offered, 100U);
}

TEST(second_series, one_that_hangs_keeps_its_second_open_and_no_other) {
  second_series series(100s, 1);
  second_recorder thread(series);
  thread.offered(500ms);
  for (int s = 1; s < 90; ++s) request(thread, s * duration(1s), 1ms);
  EXPECT_EQ(series.last()->at_s, 88);
  thread.ended(500ms, false, failure_kind::timed_out, 89s);
  EXPECT_EQ(series.seconds()[0].response_max_ms, 89'000);
  EXPECT_EQ(series.seconds()[0].answered, 0U);
  EXPECT_EQ(series.seconds()[0].errors, 1U);
  EXPECT_EQ(series.last()->at_s, 88) << "the latest, not the last to end";
}

TEST(second_series, requests_that_come_in_no_order_are_over_when_none_comes_any_more) {
  second_series series(3s, 1);
  second_recorder thread(series);
  thread.offered(1200ms, 300ms);
  thread.ended(1200ms, true, std::nullopt, 1ms);
  EXPECT_FALSE(series.last()) << "earlier ones may come";
  thread.offered(400ms, 1300ms);
  EXPECT_FALSE(series.is_over(0)) << "one is on its way";
  thread.ended(400ms, true, std::nullopt, 900ms);
  EXPECT_TRUE(series.is_over(0));
  EXPECT_FALSE(series.is_over(1)) << "one may come at 1.3 s";
  thread.offered(1500ms, 9s);
  EXPECT_TRUE(series.is_over(2)) << "none comes, not in the run";
  EXPECT_FALSE(series.is_over(1)) << "it is of those that are past, and on its way";
  thread.ended(1500ms, false, failure_kind::closed, std::nullopt);
  EXPECT_TRUE(series.is_over(1));
  thread.finish();
  EXPECT_EQ(series.seconds()[0].offered, 1U);
  EXPECT_EQ(series.seconds()[1].offered, 2U);
  EXPECT_EQ(series.seconds()[1].answered, 1U);
  EXPECT_EQ(series.seconds()[1].errors, 1U);
  EXPECT_EQ(series.seconds()[2].offered, 0U);
}

TEST(coming_seconds, are_held_up_by_what_is_expected) {
  coming_seconds coming(5);
  EXPECT_EQ(coming.none_before(2500ms), 2s);
  coming_seconds::claim one = coming.expect(2900ms);
  const coming_seconds::claim beyond = coming.expect(5s);
  EXPECT_EQ(coming.none_before(4s), 2s);
  one = coming.expect(3100ms);
  EXPECT_EQ(coming.none_before(4s), 3s) << "it is meant for later";
  coming_seconds::claim moved = std::move(one);
  EXPECT_EQ(coming.none_before(4s), 3s);
  {
    const coming_seconds::claim another = coming.expect(3200ms);
    moved = {};
    EXPECT_EQ(coming.none_before(4s), 3s);
  }
  EXPECT_EQ(coming.none_before(4s), 4s);
  EXPECT_EQ(coming.none_before(9s), 5s) << "what comes after the end is in no second";
  coming_seconds none(0);
  EXPECT_EQ(none.none_before(9s), 0s);
}

TEST(second_series, a_fast_failure_counts_and_is_in_no_percentile) {
  second_series series(1s, 1);
  second_recorder thread(series);
  request(thread, 0ms, 30ms);
  thread.offered(1ms);
  thread.ended(1ms, false, failure_kind::closed, std::nullopt);
  thread.finish();
  EXPECT_EQ(series.seconds()[0].offered, 2U);
  EXPECT_EQ(series.seconds()[0].errors, 1U);
  EXPECT_NEAR(series.seconds()[0].response_p50_ms, 30, 0.3);
}

TEST(second_series, a_part_of_a_second_at_the_end_is_one) {
  EXPECT_EQ(second_series(2500ms, 1).size(), 3U);
  EXPECT_EQ(second_series(2s, 1).size(), 2U);
  EXPECT_EQ(second_series(0s, 1).size(), 0U);
  EXPECT_EQ(second_series(max_series_length, 1).size(), 86'400U);
}

TEST(second_series, keeps_the_latest_of_a_run_of_any_length) {
  second_series series(std::chrono::hours(24 * 7), 1, 10);
  second_recorder thread(series);
  EXPECT_EQ(series.size(), 7U * 86'400);
  EXPECT_FALSE(series.is_over(0));
  thread.offered(0s);  // hangs
  for (int s = 1; s <= 25; ++s) request(thread, s * duration(1s), 1ms);
  EXPECT_EQ(series.last()->at_s, 24);
  for (std::size_t s = 15; s < 25; ++s) {
    ASSERT_TRUE(series.is_over(s)) << s;
    EXPECT_EQ(series.sums(s).at_s, static_cast<double>(s));
    EXPECT_EQ(series.details(s).response_times, 1U);
  }
  EXPECT_TRUE(series.is_gone(14));
  EXPECT_FALSE(series.read(14));
  EXPECT_FALSE(series.is_gone(25)) << "it goes on";
  EXPECT_FALSE(series.read(25));
  thread.ended(0s, false, failure_kind::timed_out, 25s);
  EXPECT_TRUE(series.is_gone(0)) << "it was open for longer than seconds are kept";
  EXPECT_TRUE(series.is_over(20)) << "and takes nobody's place";
  EXPECT_EQ(series.last()->at_s, 24);
}

TEST(second_series, ends_where_its_run_does) {
  second_series series(std::chrono::hours(24 * 7), 1, 100);
  second_recorder thread(series);
  request(thread, 500ms, 1ms);
  thread.finish(5300ms);
  EXPECT_TRUE(series.is_over(0)) << "those of days that did not come take no place";
  EXPECT_TRUE(series.is_over(5)) << "nothing was due, and it is of the run";
  EXPECT_FALSE(series.is_over(7));
  EXPECT_EQ(series.sums(5).offered, 0U);
}

TEST(second_series, skips_a_long_pause) {
  second_series series(std::chrono::hours(48), 2, latest_seconds);
  second_recorder one(series);
  second_recorder two(series);
  request(one, 1s, 1ms);
  request(two, 1s, 1ms);
  request(one, 47h, 2ms);
  EXPECT_EQ(series.last()->at_s, 0) << "on the other thread it is not known yet";
  request(two, 47h, 2ms);
  EXPECT_EQ(series.last()->at_s, 47 * 3600 - 1);
  one.finish(48h);
  two.finish(48h);
  EXPECT_EQ(series.sums(47 * 3600).offered, 2U);
  EXPECT_EQ(series.last()->at_s, 48 * 3600 - 1);
}

// What was due for days to a server that answers nothing is charged in slices.
TEST(measurements, charge_many_at_once_in_their_second_and_by_the_shares_of_their_routes) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  options.rate_per_s = 1000;
  options.length = 3s;
  options.keep_seconds = true;
  options.routes = {{.name = "a", .method = "GET", .target = "/a", .weight = 3},
                    {.name = "b", .method = "GET", .target = "/b", .weight = 1}};
  const workload work = workload_of(normalize(options).value());
  second_series series(work.length(), 1, work.kept_seconds);
  measurements seen(work, &series);
  const instant start{1h};
  seen.begin(start);
  seen.not_sent_many(failure_kind::unsent, {.intended = start + 500ms}, start + 10s, 1001);
  seen.not_sent_many(failure_kind::unsent, {.intended = start + 1500ms}, start + 10s, 0);
  seen.not_sent_many(failure_kind::unsent, {.intended = start + 2500ms}, start + 10s, 10);
  seen.finish(start + 3s);
  EXPECT_EQ(series.sums(0).offered, 1001U);
  EXPECT_EQ(series.sums(0).errors, 1001U);
  EXPECT_EQ(series.sums(1).offered, 0U);
  EXPECT_NEAR(series.sums(2).response_max_ms, 7500, 75);
  EXPECT_NEAR(static_cast<double>(seen.of(0, 0).offered), 0.75 * 1011, 2);
  EXPECT_EQ(seen.of(0, 0).offered + seen.of(0, 1).offered, 1011U) << "none is lost";
  EXPECT_EQ(seen.total().errors[static_cast<std::size_t>(failure_kind::unsent)], 1011U);
}

TEST(measurements, charge_a_few_at_once_to_every_route_in_the_long_run) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  options.stages = {{.rate_per_s = 1, .length = 10s}, {.rate_per_s = 1, .length = 10s}};
  options.routes = {{.name = "rare", .method = "GET", .target = "/a", .weight = 1},
                    {.name = "usual", .method = "GET", .target = "/b", .weight = 8},
                    {.name = "also rare", .method = "GET", .target = "/c", .weight = 1}};
  const workload work = workload_of(normalize(options).value());
  measurements seen(work, nullptr);
  const instant start{1h};
  seen.begin(start);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    seen.not_sent_many(failure_kind::unsent, {.intended = start + 15s, .stage = 1}, start + 30s, 1 + i % 2);
  }
  const std::vector<double> expected = {150, 1200, 150};
  std::uint64_t all = 0;
  for (std::size_t route = 0; route < 3; ++route) {
    EXPECT_NEAR(static_cast<double>(seen.of(1, route).offered), expected[route], 10) << route;
    EXPECT_EQ(seen.of(0, route).offered, 0U) << "of another stage";
    all += seen.of(1, route).offered;
  }
  EXPECT_EQ(all, 1500U);
}

struct pair_of_numbers {
  std::uint64_t one = 0;
  std::uint64_t same = 0;
};

TEST(published, is_read_whole_while_it_is_written) {
  published<pair_of_numbers> value;
  EXPECT_FALSE(value.read(1)) << "nothing was written";
  std::atomic<bool> done{false};
  std::uint64_t torn = 0;
  std::thread reader([&] {
    while (!done) {
      const std::uint64_t version = value.version();
      const auto seen = version == 0 ? std::nullopt : value.read(version);
      if (seen && (seen->one != version || seen->same != version)) ++torn;
    }
  });
  for (std::uint64_t version = 1; version <= 200'000; ++version) value.write(version, {version, version});
  done = true;
  reader.join();
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(value.read(200'000)->same, 200'000U);
  EXPECT_FALSE(value.read(199'999));
}

}  // namespace
}  // namespace assay::load
