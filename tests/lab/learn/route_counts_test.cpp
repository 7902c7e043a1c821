#include "lab/learn/route_counts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace assay::learn {
namespace {

double exact(std::vector<std::uint64_t> sizes, double q) {
  std::ranges::sort(sizes);
  const double rank = std::max(std::ceil(q * static_cast<double>(sizes.size())), 1.0);
  return static_cast<double>(sizes[static_cast<std::size_t>(rank) - 1]);
}

std::vector<std::uint64_t> lognormal(int count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> law(8, 2);
  std::vector<std::uint64_t> sizes;
  for (int i = 0; i < count; ++i) sizes.push_back(static_cast<std::uint64_t>(law(random)));
  return sizes;
}

TEST(sizes, quantiles_are_within_one_per_cent) {
  std::size_t left = max_size_buckets;
  size_counts counts;
  const auto sizes = lognormal(50'000, 1);
  for (const std::uint64_t each : sizes) counts.record(each, left);
  for (const double q : {0.0, 0.01, 0.5, 0.9, 0.99, 1.0}) {
    EXPECT_NEAR(counts.quantile(q), exact(sizes, q), 0.01 * exact(sizes, q)) << q;
  }
  EXPECT_EQ(counts.quantile(1), exact(sizes, 1)) << "the largest is exact";
}

TEST(sizes, the_smallest_and_the_largest_have_their_place) {
  std::size_t left = max_size_buckets;
  size_counts counts;
  EXPECT_EQ(counts.quantile(0.5), 0);
  for (const std::uint64_t each : {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{256}, ~std::uint64_t{0}}) {
    counts.record(each, left);
  }
  EXPECT_EQ(counts.quantile(0.25), 0);
  EXPECT_EQ(counts.quantile(0.5), 255);
  EXPECT_EQ(counts.quantile(0.75), 257) << "the top of its bucket";
  EXPECT_EQ(counts.quantile(1), static_cast<double>(~std::uint64_t{0}));
  EXPECT_EQ(max_size_buckets - left, 4U);
}

TEST(sizes, merged_are_as_if_recorded_in_one_place) {
  std::size_t left = max_size_buckets;
  size_counts one, other, together;
  const auto sizes = lognormal(2'000, 2);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    (i % 3 == 0 ? one : other).record(sizes[i], left);
    together.record(sizes[i], left);
  }
  one.merge(other, left);
  for (const double q : {0.1, 0.5, 0.99, 1.0}) EXPECT_EQ(one.quantile(q), together.quantile(q)) << q;
}

TEST(sizes, without_room_are_less_exact_and_no_larger) {
  std::size_t left = 100;
  size_counts first, second;
  const auto sizes = lognormal(20'000, 3);
  for (const std::uint64_t each : sizes) first.record(each, left);
  EXPECT_LE(left, 100U);
  for (const std::uint64_t each : sizes) second.record(each, left);
  for (const size_counts* each : {&first, &second}) {
    const double median = each->quantile(0.5);
    EXPECT_GE(median, exact(sizes, 0.5));
    EXPECT_LE(median, exact(sizes, 1.0));
    EXPECT_EQ(each->quantile(1), exact(sizes, 1));
  }
  EXPECT_NEAR(first.quantile(0.5), exact(sizes, 0.5), 0.5 * exact(sizes, 0.5));
}

}  // namespace
}  // namespace assay::learn
