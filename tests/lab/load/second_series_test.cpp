#include "lab/load/second_series.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>

#include "lab/load/coming_seconds.hpp"

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

}  // namespace
}  // namespace assay::load
