#include "lab/learn/amount_laws.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "lab/learn/route_counts.hpp"

namespace assay::learn {
namespace {

// Of `quantile(p)` for p evenly over (0, 1), through the sketch that a log's sizes go through.
template <typename Quantile>
std::vector<counted_amounts> sketched(int n, Quantile&& quantile) {
  size_counts sizes;
  std::size_t left = max_size_buckets;
  for (int i = 0; i < n; ++i) sizes.record(static_cast<std::uint64_t>(std::llround(quantile((i + 0.5) / n))), left);
  return sizes.amounts();
}

TEST(tails, of_a_power_law_have_its_exponent) {
  for (const double alpha : {0.6, 1.2, 2.0}) {
    const auto amounts = sketched(20'000, [&](double p) { return 2'000 * std::pow(1 - p, -1 / alpha); });
    const auto found = fit_tail(amounts);
    ASSERT_TRUE(found.has_value());
    EXPECT_NEAR(found->alpha.value, alpha, 0.03 * alpha);
    EXPECT_LE(found->alpha.low, alpha);
    EXPECT_GE(found->alpha.high, alpha);
    EXPECT_TRUE(found->is_heavy()) << found->distance;
  }
}

TEST(tails, begin_where_the_body_ends) {
  // Nine in ten are evenly up to 10 kB, the rest a power law of 1.1 from there on.
  const auto amounts = sketched(
      50'000, [](double p) { return p < 0.9 ? 1'000 + 10'000 * p : 10'000 * std::pow((1 - p) / 0.1, -1 / 1.1); });
  const auto found = fit_tail(amounts);
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->alpha.value, 1.1, 0.1);
  EXPECT_GT(found->from, 9'000);
}

TEST(tails, of_light_laws_are_steep) {
  const auto found = fit_tail(sketched(20'000, [](double p) { return -5'000 * std::log(1 - p); }));
  ASSERT_TRUE(found.has_value());
  EXPECT_FALSE(found->is_heavy()) << found->alpha.value << " " << found->distance;
}

TEST(tails, need_many_and_different_ones) {
  EXPECT_FALSE(fit_tail({}));
  EXPECT_FALSE(fit_tail(sketched(150, [](double p) { return 1'000 * std::pow(1 - p, -1); }))) << "75 in the upper half";
  EXPECT_FALSE(fit_tail(sketched(10'000, [](double p) { return 1 + std::floor(5 * p); }))) << "five sizes";
  EXPECT_FALSE(fit_tail(sketched(10'000, [](double) { return 0.0; })));
}

TEST(lengths, of_a_geometric_law_are_none_apart) {
  std::vector<counted_amounts> lengths;
  double all = 0;
  double sum = 0;
  for (std::uint64_t length = 1; length < 60; ++length) {
    const auto times =
        static_cast<std::uint64_t>(std::llround(1e6 * 0.25 * std::pow(0.75, static_cast<double>(length - 1))));
    lengths.push_back({.least = length, .most = length, .times = times});
    all += static_cast<double>(times);
    sum += static_cast<double>(times * length);
  }
  EXPECT_LT(geometric_distance(lengths, sum / all), 1e-4);
}

TEST(lengths, that_are_all_alike_are_far_from_geometric) {
  const std::vector<counted_amounts> fours{{.least = 4, .most = 4, .times = 100}};
  EXPECT_DOUBLE_EQ(geometric_distance(fours, 4), 1 - 0.75 * 0.75 * 0.75);
  const std::vector<counted_amounts> ones{{.least = 1, .most = 1, .times = 100}};
  EXPECT_DOUBLE_EQ(geometric_distance(ones, 1), 0);
}

}  // namespace
}  // namespace assay::learn
