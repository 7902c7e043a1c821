#include "stack/observe/quantile.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace assay::observe {
namespace {

/// P(B <= k) for B ~ Binomial(n, q) from logarithms of factorials: slow, and another way than the one under
/// test.
double binomial_cdf(std::uint64_t k, std::uint64_t n, double q) {
  const auto trials = static_cast<double>(n);
  double sum = 0.0;
  for (std::uint64_t i = 0; i <= k; ++i) {
    const auto hits = static_cast<double>(i);
    sum += std::exp(std::lgamma(trials + 1) - std::lgamma(hits + 1) - std::lgamma(trials - hits + 1) +
                    hits * std::log(q) + (trials - hits) * std::log1p(-q));
  }
  return sum;
}

TEST(min_samples, golden_numbers) {
  EXPECT_EQ(min_samples_for_quantile(0.5), 6U);
  EXPECT_EQ(min_samples_for_quantile(0.9), 36U);
  EXPECT_EQ(min_samples_for_quantile(0.95), 72U);
  EXPECT_EQ(min_samples_for_quantile(0.99), 368U);
  EXPECT_EQ(min_samples_for_quantile(0.999), 3'688U);
  EXPECT_EQ(min_samples_for_quantile(0.9999), 36'887U);
}

TEST(min_samples, low_quantiles_mirror_high_ones) {
  EXPECT_EQ(min_samples_for_quantile(0.1), 36U);
  EXPECT_EQ(min_samples_for_quantile(0.01), 368U);
  EXPECT_EQ(min_samples_for_quantile(0.001), 3'688U);
}

TEST(min_samples, nothing_suffices_for_the_extremes) {
  for (const double q : {0.0, 1.0, -0.5, 99.0, 1e-300, std::numeric_limits<double>::quiet_NaN(),
                         std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(min_samples_for_quantile(q), never_estimable) << q;
    EXPECT_FALSE(estimable(q, never_estimable)) << q;
    EXPECT_FALSE(quantile_confidence_ranks(q, never_estimable).has_value()) << q;
  }
}

TEST(min_samples, is_where_the_interval_begins_to_exist) {
  for (const double q : {0.0001, 0.01, 0.1, 0.3, 0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 0.99999}) {
    const std::uint64_t needed = min_samples_for_quantile(q);
    EXPECT_FALSE(estimable(q, needed - 1)) << q;
    EXPECT_FALSE(quantile_confidence_ranks(q, needed - 1).has_value()) << q;
    ASSERT_TRUE(estimable(q, needed)) << q;
    const auto ranks = quantile_confidence_ranks(q, needed);
    ASSERT_TRUE(ranks.has_value()) << q;
    // With no sample to spare one end of the interval is an end of the sample.
    EXPECT_TRUE(q < 0.5 ? ranks->lower_rank == 1 : ranks->upper_rank == needed) << q;
    EXPECT_LE(std::pow(std::max(q, 1 - q), static_cast<double>(needed)), quantile_tail_probability) << q;
    EXPECT_GT(std::pow(std::max(q, 1 - q), static_cast<double>(needed - 1)), quantile_tail_probability) << q;
  }
}

TEST(confidence_ranks, tabulated_medians) {
  // Equal-tailed 95 % order-statistic intervals of the median, as in the tables for the sign test.
  EXPECT_EQ(quantile_confidence_ranks(0.5, 6), (quantile_ranks{1, 6}));
  EXPECT_EQ(quantile_confidence_ranks(0.5, 10), (quantile_ranks{2, 9}));
  EXPECT_EQ(quantile_confidence_ranks(0.5, 20), (quantile_ranks{6, 15}));
  EXPECT_EQ(quantile_confidence_ranks(0.5, 25), (quantile_ranks{8, 18}));
  EXPECT_EQ(quantile_confidence_ranks(0.5, 50), (quantile_ranks{18, 33}));
  EXPECT_EQ(quantile_confidence_ranks(0.5, 100), (quantile_ranks{40, 61}));
}

TEST(confidence_ranks, are_the_tightest_with_equal_tails) {
  for (const double q : {0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999}) {
    for (const std::uint64_t n : {7U, 37U, 75U, 371U, 1'000U, 3'690U, 20'000U}) {
      const auto ranks = quantile_confidence_ranks(q, n);
      ASSERT_EQ(ranks.has_value(), estimable(q, n)) << q << ' ' << n;
      if (!ranks) continue;
      ASSERT_GE(ranks->lower_rank, 1U) << q << ' ' << n;
      ASSERT_LE(ranks->upper_rank, n) << q << ' ' << n;
      EXPECT_LE(binomial_cdf(ranks->lower_rank - 1, n, q), quantile_tail_probability) << q << ' ' << n;
      EXPECT_GT(binomial_cdf(ranks->lower_rank, n, q), quantile_tail_probability) << q << ' ' << n;
      EXPECT_GE(binomial_cdf(ranks->upper_rank - 1, n, q), 1 - quantile_tail_probability) << q << ' ' << n;
      EXPECT_LT(binomial_cdf(ranks->upper_rank - 2, n, q), 1 - quantile_tail_probability) << q << ' ' << n;
    }
  }
}

TEST(confidence_ranks, mirror_at_the_median) {
  for (const std::uint64_t n : {400U, 12'345U}) {
    const auto high = quantile_confidence_ranks(0.75, n);
    const auto low = quantile_confidence_ranks(0.25, n);
    ASSERT_TRUE(high && low);
    EXPECT_EQ(low->lower_rank, n + 1 - high->upper_rank);
    EXPECT_EQ(low->upper_rank, n + 1 - high->lower_rank);
  }
}

TEST(confidence_ranks, normal_approximation_is_the_exact_one_or_up_to_two_ranks_wider) {
  // The switch lies at n q (1 - q) = 10^8: below it the exact ranks, above it those of the formula.
  for (const double q : {0.1, 0.5, 0.9, 0.999, 0.9999}) {
    const double at_switch = 1e8 / (q * (1 - q));
    for (const double factor : {0.9, 0.99, 0.999, 1.001}) {
      const auto n = static_cast<std::uint64_t>(at_switch * factor);
      const double mean = static_cast<double>(n) * q;
      const double reach = 1.959963984540054 * std::sqrt(mean * (1 - q));
      const auto ranks = quantile_confidence_ranks(q, n);
      ASSERT_TRUE(ranks.has_value());
      const double wider_below = static_cast<double>(ranks->lower_rank) - std::floor(mean - reach);
      const double wider_above = std::ceil(mean + reach) + 1 - static_cast<double>(ranks->upper_rank);
      const double most = factor > 1 ? 0.0 : 2.0;
      EXPECT_TRUE(wider_below >= 0 && wider_below <= most) << q << ' ' << n << ' ' << wider_below;
      EXPECT_TRUE(wider_above >= 0 && wider_above <= most) << q << ' ' << n << ' ' << wider_above;
    }
  }
}

TEST(confidence_ranks, stay_within_the_sample_at_any_size) {
  for (const double q : {1e-17, 1e-9, 0.5, 1 - 1e-9, 1 - 1e-15}) {
    const std::uint64_t n = std::numeric_limits<std::uint64_t>::max() - 1;
    const auto ranks = quantile_confidence_ranks(q, n);
    ASSERT_TRUE(ranks.has_value()) << q;
    EXPECT_GE(ranks->lower_rank, 1U) << q;
    EXPECT_LT(ranks->lower_rank, ranks->upper_rank) << q;
    EXPECT_LE(ranks->upper_rank, n) << q;
  }
}

}  // namespace
}  // namespace assay::observe
