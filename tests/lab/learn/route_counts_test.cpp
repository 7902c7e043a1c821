#include "lab/learn/route_counts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>

#include "lab/learn/text_hash.hpp"

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

TEST(text_hashes, differ_by_every_byte_the_length_and_the_seed) {
  std::set<std::uint64_t> seen;
  std::size_t hashed = 0;
  const auto add = [&](std::string_view text, std::uint64_t seed = 0) {
    seen.insert(text_hash(text, seed));
    ++hashed;
  };
  for (std::size_t length = 0; length <= 100; ++length) {
    std::string text(length, '\0');
    add(text);
    if (length > 0) add(text, 1);
    for (std::size_t at = 0; at < length; ++at) {
      text[at] = static_cast<char>(1 + at % 100);
      add(text);
      text[at] = '\0';
    }
  }
  EXPECT_EQ(seen.size(), hashed);
  std::array<int, 64> low{};  // a table takes the last bits
  for (int i = 0; i < 64'000; ++i) ++low[text_hash("/items/" + std::to_string(i)) % low.size()];
  for (const int count : low) EXPECT_NEAR(count, 1000, 200);
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

TEST(sizes, a_table_of_all_buckets_counts_alike) {
  std::size_t left = max_size_buckets;
  size_counts counts;
  size_table table;
  for (const std::uint64_t each : lognormal(10'000, 2)) {
    counts.record(each, left);
    table.record(each);
  }
  table.record(~std::uint64_t{0});
  counts.record(~std::uint64_t{0}, left);
  for (const double q : {0.0, 0.3, 0.5, 0.99, 1.0}) EXPECT_EQ(table.counted().quantile(q), counts.quantile(q)) << q;
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
