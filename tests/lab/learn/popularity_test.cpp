#include "lab/learn/popularity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace assay::learn {
namespace {

// `requests` draws from `values` values by Zipf's law, counted and sorted.
std::vector<std::uint64_t> draw(double exponent, std::size_t values, int requests, unsigned seed) {
  std::vector<double> weights;
  for (std::size_t r = 1; r <= values; ++r) weights.push_back(std::pow(static_cast<double>(r), -exponent));
  std::discrete_distribution<std::size_t> law(weights.begin(), weights.end());
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> counts(values);
  for (int i = 0; i < requests; ++i) ++counts[law(random)];
  std::erase(counts, 0U);
  std::ranges::sort(counts, std::greater());
  return counts;
}

TEST(zipf, finds_the_exponent_of_its_own_law) {
  for (const double exponent : {0.6, 0.9, 1.2}) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
      const auto found = zipf_exponent(draw(exponent, 1000, 50'000, seed));
      ASSERT_TRUE(found) << exponent;
      EXPECT_NEAR(*found, exponent, 0.06) << seed;
    }
  }
}

TEST(zipf, alike_values_are_no_law) {
  const auto found = zipf_exponent(draw(0, 100, 50'000, 1));
  ASSERT_TRUE(found);
  EXPECT_LT(*found, 0.06);
}

TEST(zipf, too_little_is_not_estimated) {
  EXPECT_FALSE(zipf_exponent({}));
  EXPECT_FALSE(zipf_exponent(std::vector<std::uint64_t>(9, 1000))) << "too few ranks";
  EXPECT_FALSE(zipf_exponent(std::vector<std::uint64_t>(1000, 4))) << "each seen too seldom";
  EXPECT_FALSE(zipf_exponent(std::vector<std::uint64_t>(19, 5))) << "too few requests";
  EXPECT_TRUE(zipf_exponent(std::vector<std::uint64_t>(20, 5)));
}

TEST(values, are_capped_and_say_so) {
  std::size_t budget = max_values_of_all;
  value_counts counts;
  for (std::size_t i = 0; i < max_values_a_placeholder; ++i) counts.add(std::to_string(i), 1, budget);
  EXPECT_FALSE(counts.describe("id").distinct_capped);
  counts.add("1000000", 1, budget);
  const model::placeholder described = counts.describe("id");
  EXPECT_TRUE(described.distinct_capped);
  EXPECT_EQ(described.distinct, max_values_a_placeholder);
  EXPECT_EQ(described.greatest, 1'000'000) << "the range knows all";
  EXPECT_EQ(budget, max_values_of_all - max_values_a_placeholder);
  std::size_t none = 0;
  value_counts poor;
  poor.add("a", 1, none);
  EXPECT_TRUE(poor.describe("p1").distinct_capped);
}

TEST(values, a_range_that_is_not_filled_is_rounded_away_from_its_values) {
  const auto range_of = [](std::initializer_list<const char*> all) {
    std::size_t budget = 100;
    value_counts counts;
    for (const char* each : all) counts.add(each, 1, budget);
    const model::placeholder described = counts.describe("id");
    return std::pair(described.least.value_or(0), described.greatest.value_or(0));
  };
  EXPECT_EQ(range_of({"918273645"}), std::pair(910'000'000L, 920'000'000L));
  EXPECT_EQ(range_of({"-918273645", "47114"}), std::pair(-920'000'000L, 48'000L));
  EXPECT_EQ(range_of({"1", "7", "99"}), std::pair(1L, 99L));
  EXPECT_EQ(range_of({"470", "100"}), std::pair(100L, 470L)) << "two digits are all there is";
  std::size_t budget = 100;
  value_counts catalogue;
  for (int i = 0; i < 50; ++i) catalogue.add(std::to_string(1001 + 2 * (i % 25)), 1, budget);
  EXPECT_EQ(catalogue.describe("id").greatest, 1049) << "of these half are there";
}

TEST(values, merge_as_if_counted_together) {
  std::size_t budget = 100;
  value_counts a;
  value_counts b;
  for (const auto* each : {"1", "2", "2"}) a.add(each, 1, budget);
  for (const auto* each : {"2", "9"}) b.add(each, 5, budget);
  a.merge(b, budget);
  const model::placeholder described = a.describe("id");
  EXPECT_EQ(described.distinct, 3U);
  EXPECT_EQ(described.greatest, 9);
  EXPECT_DOUBLE_EQ(described.top_tenth_share, 7.0 / 13);
  EXPECT_EQ(budget, 97U);
}

TEST(values, shape_is_that_of_nine_in_ten) {
  const auto shape_of = [](std::initializer_list<std::pair<const char*, int>> all) {
    std::size_t budget = 100;
    value_counts counts;
    for (const auto& [value, count] : all) counts.add(value, static_cast<std::uint64_t>(count), budget);
    return counts.describe("id").shape;
  };
  EXPECT_EQ(shape_of({{"1", 90}, {"abc", 10}}), "integer");
  EXPECT_EQ(shape_of({{"1", 80}, {"abc", 20}}), "text");
  EXPECT_EQ(shape_of({{"deadbeef01", 80}, {"12345678", 20}}), "hex");
  EXPECT_EQ(shape_of({{"my-first-post", 60}, {"about", 40}}), "slug");
}

}  // namespace
}  // namespace assay::learn
