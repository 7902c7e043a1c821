// Placeholder values follow their laws exactly: chi-square with fixed seeds.
#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "lab/load/alias_table.hpp"
#include "lab/load/value_draw.hpp"
#include "lab/load/zipf.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using kind = model::value_source::kind;

// About the 1 % point of chi-square (Wilson and Hilferty).
double one_percent_point(double degrees) {
  const double a = 2 / (9 * degrees);
  return degrees * std::pow(1 - a + 2.326 * std::sqrt(a), 3);
}

// Cells that would hold fewer than ten are taken together.
void expect_law(const std::vector<double>& counted, const std::vector<double>& shares, double n) {
  ASSERT_EQ(counted.size(), shares.size());
  double chi_square = 0;
  double cells = 0;
  double seen = 0;
  double expected = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    seen += counted[i];
    expected += n * shares[i];
    if (expected < 10 && i + 1 < shares.size()) continue;
    chi_square += (seen - expected) * (seen - expected) / expected;
    cells++;
    seen = expected = 0;
  }
  EXPECT_LT(chi_square, one_percent_point(cells - 1)) << cells << " cells";
}

TEST(alias, draws_by_weight) {
  const std::vector<double> weights = {5, 0, 1, 0.25, 3.75, 1e-3, 10};
  const double sum = 20.001;
  const alias_table table(weights);
  constexpr int n = 200'000;
  std::vector<double> counted(weights.size());
  for (std::uint64_t i = 0; i < n; ++i) counted[table.draw(mix(77 + i))]++;
  EXPECT_EQ(counted[1], 0);
  std::vector<double> shares;
  for (const double weight : weights) shares.push_back(weight / sum);
  expect_law(counted, shares, n);
}

TEST(alias, one_weight_and_the_ends_of_the_random_numbers) {
  const std::vector<double> one = {0.3};
  const std::vector<double> three = {1, 1, 1};
  for (const std::uint64_t bits : {0ULL, 1ULL, ~0ULL}) {
    EXPECT_EQ(alias_table(one).draw(bits), 0U);
    EXPECT_LT(alias_table(three).draw(bits), 3U);
  }
}

TEST(zipf, ranks_follow_the_law_for_any_exponent) {
  for (const double exponent : {0.2, 0.99, 1.0, 1.0 + 1e-10, 1.2, 3.0}) {
    for (const std::uint64_t ranks : {1ULL, 2ULL, 3ULL, 100ULL, 5000ULL}) {
      SCOPED_TRACE(exponent);
      SCOPED_TRACE(ranks);
      const zipf_law law(ranks, exponent);
      constexpr int n = 60'000;
      std::vector<double> counted(ranks);
      for (std::uint64_t i = 0; i < n; ++i) {
        draw_stream from(mix(i * 31 + 5));
        const std::uint64_t rank = law.draw(from);
        ASSERT_GE(rank, 1U);
        ASSERT_LE(rank, ranks);
        counted[rank - 1]++;
      }
      std::vector<double> shares;
      double sum = 0;
      for (std::uint64_t rank = 1; rank <= ranks; ++rank) {
        sum += shares.emplace_back(std::pow(static_cast<double>(rank), -exponent));
      }
      for (double& each : shares) each /= sum;
      if (ranks > 1) expect_law(counted, shares, n);
    }
  }
}

TEST(zipf, more_ranks_than_a_table_could_hold) {
  const zipf_law law(value_draw::max_zipf_ranks, 0.5);
  std::uint64_t above_half = 0;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    draw_stream from(mix(i));
    const std::uint64_t rank = law.draw(from);
    ASSERT_LE(rank, value_draw::max_zipf_ranks);
    above_half += rank > value_draw::max_zipf_ranks / 2 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(above_half), 10'000 * (1 - std::sqrt(0.5)), 200) << "half of the ranks, by x^0.5";
}

std::string drawn(const model::value_source& source, std::uint64_t at) {
  std::string out = "from before";
  value_draw::create(source).value().draw(draw_stream(mix(at)), at, out);
  return out;
}

std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  EXPECT_TRUE(failed == std::errc() && end == text.data() + text.size()) << text;
  return value;
}

TEST(values, integers_are_uniform_over_the_whole_range) {
  constexpr int n = 30'000;
  std::vector<double> counted(7);
  for (std::uint64_t at = 0; at < n; ++at) {
    counted.at(static_cast<std::size_t>(number(drawn(integers(kind::integer, -3, 3), at)) + 3))++;
  }
  expect_law(counted, std::vector<double>(7, 1.0 / 7), n);
  constexpr std::int64_t low = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t high = std::numeric_limits<std::int64_t>::max();
  std::set<std::int64_t> seen;
  for (std::uint64_t at = 0; at < 1000; ++at) seen.insert(number(drawn(integers(kind::integer, low, high), at)));
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_LT(*seen.begin(), low / 2);
  EXPECT_GT(*seen.rbegin(), high / 2);
  EXPECT_EQ(drawn(integers(kind::integer, 42, 42), 1), "42");
}

TEST(values, zipf_counts_from_the_low_end) {
  std::map<std::int64_t, int> counted;
  for (std::uint64_t at = 0; at < 5000; ++at) counted[number(drawn(integers(kind::zipf, 1000, 1009, 1.5), at))]++;
  EXPECT_EQ(counted.begin()->first, 1000);
  EXPECT_EQ(counted.rbegin()->first, 1009);
  EXPECT_GT(counted[1000], 2 * counted[1001]);
}

TEST(values, choices_and_constants) {
  model::value_source choice;
  choice.from = kind::choice;
  choice.choices = {"red", "green", ""};
  std::map<std::string, double> counted;
  for (std::uint64_t at = 0; at < 9000; ++at) counted[drawn(choice, at)]++;
  ASSERT_EQ(counted.size(), 3U);
  expect_law({counted["red"], counted["green"], counted[""]}, std::vector<double>(3, 1.0 / 3), 9000);
  model::value_source constant;
  constant.text = "as it is";
  EXPECT_EQ(drawn(constant, 1), "as it is");
}

TEST(values, uuids_are_of_version_four_and_differ) {
  model::value_source uuid;
  uuid.from = kind::uuid;
  std::set<std::string> seen;
  for (std::uint64_t at = 0; at < 10'000; ++at) {
    const std::string text = drawn(uuid, at);
    ASSERT_EQ(text.size(), 36U);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) ASSERT_EQ(text[dash], '-');
    ASSERT_EQ(text[14], '4');
    ASSERT_NE(std::string_view("89ab").find(text[19]), std::string_view::npos);
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 10'000U);
}

TEST(values, bad_sources_are_named) {
  const auto complaint = [](const model::value_source& source) {
    const auto made = value_draw::create(source);
    return made ? std::string() : made.error();
  };
  EXPECT_EQ(complaint(integers(kind::integer, 5, 4)), "expected a range from low to high, not 5 to 4");
  EXPECT_EQ(complaint(integers(kind::zipf, 5, 4)), "expected a range from low to high, not 5 to 4");
  EXPECT_EQ(complaint(integers(kind::zipf, 1, 4, 0)), "expected a zipf exponent above 0, not 0");
  EXPECT_EQ(complaint(integers(kind::zipf, 1, 4, std::nan(""))), "expected a zipf exponent above 0, not nan");
  EXPECT_NE(complaint(integers(kind::zipf, 0, std::numeric_limits<std::int64_t>::max())), "");
  model::value_source none;
  none.from = kind::choice;
  EXPECT_EQ(complaint(none), "expected at least one value to choose from");
}

}  // namespace
}  // namespace assay::load
