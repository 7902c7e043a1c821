#include "lab/inside/lag_estimate.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::inside {
namespace {

constexpr double ms = 1e6;

// Segments as the library keeps them.
busy_segments recorded(double window_ns, const std::vector<std::uint64_t>& lengths) {
  std::vector<segment_bucket> buckets(assay_probe_buckets);
  for (const auto length : lengths) {
    auto& bucket = buckets[assay_probe_bucket_of(length)];
    const auto value = static_cast<double>(length);
    ++bucket.count;
    bucket.sum_ns += value;
    bucket.sum_squares += value * value;
  }
  busy_segments segments{.window_ns = window_ns, .zero_wait_ns = 0, .buckets = {}, .exact = {}};
  for (const auto& bucket : buckets) segments.add_bucket(bucket);
  return segments;
}

TEST(lag_estimate, nothing_is_no_lag) {
  EXPECT_EQ(estimate_lag({}).utilisation, 0);
  EXPECT_EQ(lag_quantile(recorded(1e9, {}), 0.99), 0);
}

// Ten segments of 50 ms in 1 s: P(lag > x) = (50 - x) / 100.
TEST(lag_estimate, equal_segments_in_closed_form) {
  const auto lag = estimate_lag(recorded(1e9, std::vector<std::uint64_t>(10, 50'000'000)));
  EXPECT_NEAR(lag.utilisation, 0.5, 1e-9);
  EXPECT_NEAR(lag.mean_ns, 12.5 * ms, 1);
  EXPECT_NEAR(lag.p50_ns, 0, 1);
  EXPECT_NEAR(lag.p99_ns, 49 * ms, 100);
  EXPECT_NEAR(lag.longest_ns, 50 * ms, 100);
}

// Thousands of short turns do not hide one freeze: weighted by iteration the p99 would be 0.1 ms.
TEST(lag_estimate, short_turns_do_not_hide_a_freeze) {
  std::vector<std::uint64_t> lengths(2000, 100'000);
  lengths.push_back(500'000'000);
  const auto lag = estimate_lag(recorded(1e9, lengths));
  EXPECT_NEAR(lag.utilisation, 0.7, 1e-9);
  EXPECT_NEAR(lag.p99_ns, 490 * ms, 1e-3 * ms);
  EXPECT_NEAR(lag.mean_ns, (2000 * 1e10 + 25e16) / 2e9, 10);
}

// Lengths uniform on [0, L]: P(lag > x) = n (L - x)² / (2 L T). Buckets lose next to nothing of it.
TEST(lag_estimate, uniform_segments_in_closed_form) {
  std::vector<std::uint64_t> lengths;
  constexpr int n = 10'000;
  for (int i = 0; i < n; ++i) lengths.push_back(static_cast<std::uint64_t>((i + 0.5) * 20 * ms / n));
  const double window = n * 10 * ms / 0.8;
  const auto segments = recorded(window, lengths);
  for (const double q : {0.5, 0.9, 0.99, 0.999}) {
    const double expected = 20 * ms - std::sqrt((1 - q) * window * 2 * 20 * ms / n);
    EXPECT_NEAR(lag_quantile(segments, q), expected, 0.003 * expected) << q;
  }
  EXPECT_NEAR(estimate_lag(segments).mean_ns, 0.8 * 400.0 / 3 / 10 / 2 * ms, 1e-3 * ms);
}

TEST(lag_estimate, zero_waits_are_busy_and_are_no_lag) {
  auto segments = recorded(1e9, {100'000'000});
  segments.zero_wait_ns = 3e8;
  EXPECT_NEAR(estimate_lag(segments).utilisation, 0.4, 1e-9);
  EXPECT_NEAR(lag_quantile(segments, 0.91), 10 * ms, 1);
}

// A freeze of 1000 ms, 400 of it before the edge. Whoever came before waits until its end.
TEST(lag_estimate, a_freeze_over_the_edge_counts_in_both_windows) {
  const std::vector<long_segment> stalls{{600'000'000, 1'600'000'000, true}};
  busy_segments early{.window_ns = 1e9, .zero_wait_ns = 0, .buckets = {}, .exact = {}};
  correct_edges(early, 0, 1'000'000'000, stalls);
  EXPECT_NEAR(estimate_lag(early).utilisation, 0.4, 1e-9);
  EXPECT_NEAR(lag_quantile(early, 0.9), 900 * ms, 1);  // came at 700: waits until 1600
  auto late = recorded(1e9, {1'000'000'000});
  correct_edges(late, 1'000'000'000, 2'000'000'000, stalls);
  EXPECT_NEAR(estimate_lag(late).utilisation, 0.6, 1e-9);
  EXPECT_NEAR(lag_quantile(late, 0.5), 100 * ms, 1);
}

TEST(lag_estimate, a_freeze_that_goes_on_counts) {
  busy_segments segments{.window_ns = 1e9, .zero_wait_ns = 0, .buckets = {}, .exact = {}};
  const std::vector<long_segment> stalls{{200'000'000, 1'000'000'000, false}};
  correct_edges(segments, 0, 1'000'000'000, stalls);
  EXPECT_NEAR(estimate_lag(segments).utilisation, 0.8, 1e-9);
  const auto counts = count_stalls(0, 1'000'000'000, stalls);
  EXPECT_EQ(counts.number.at(500), 1U);
  EXPECT_NEAR(counts.seconds.at(10), 0.8, 1e-9);
}

TEST(lag_estimate, stalls_count_at_each_bound_and_in_each_window_they_touch) {
  const std::vector<long_segment> stalls{{0, 12'000'000, true}, {900'000'000, 1'020'000'000, true}};
  const auto early = count_stalls(0, 1'000'000'000, stalls);
  const auto late = count_stalls(1'000'000'000, 2'000'000'000, stalls);
  EXPECT_EQ(early.number, (std::map<int, std::uint64_t>{{10, 2}, {50, 1}, {100, 1}, {500, 0}}));
  EXPECT_EQ(late.number, (std::map<int, std::uint64_t>{{10, 1}, {50, 1}, {100, 1}, {500, 0}}));
  EXPECT_NEAR(early.seconds.at(100), 0.1, 1e-9);
  EXPECT_NEAR(late.longest_ns, 120 * ms, 1);
}

TEST(probe_format, buckets_hold_what_their_bounds_say) {
  for (unsigned i = 0; i + 1 < assay_probe_buckets; ++i) {
    EXPECT_EQ(assay_probe_bucket_of(assay_probe_bucket_floor(i)), i);
    EXPECT_EQ(assay_probe_bucket_of(assay_probe_bucket_floor(i + 1) - 1), i);
  }
  EXPECT_EQ(assay_probe_bucket_of(UINT64_MAX), assay_probe_buckets - 1U);
}

}  // namespace
}  // namespace assay::inside
