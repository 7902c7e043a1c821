#include "stack/observe/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <expected>
#include <functional>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace assay::observe {
namespace {

constexpr std::uint64_t hour_ns = 3'600'000'000'000;
constexpr std::uint64_t max_int64 = std::numeric_limits<std::int64_t>::max();

/// The reason of a refusal, empty if there was none: asking an accepted result for its error is undefined.
template <typename Value, typename Error>
std::optional<Error> refusal(const std::expected<Value, Error>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

histogram make(histogram_options options) {
  auto created = histogram::create(options);
  EXPECT_TRUE(created.has_value()) << describe(created.error());
  return *std::move(created);
}

TEST(histogram_create, names_the_bad_argument) {
  const auto error_of = [](histogram_options options) { return refusal(histogram::create(options)); };
  EXPECT_EQ(error_of({0, hour_ns, 3}), histogram_error::bad_lowest_discernible);
  EXPECT_EQ(error_of({std::uint64_t{1} << 52, max_int64, 3}), histogram_error::bad_lowest_discernible);
  EXPECT_EQ(error_of({1, 1, 3}), histogram_error::bad_highest_trackable);
  EXPECT_EQ(error_of({1000, 1999, 3}), histogram_error::bad_highest_trackable);
  EXPECT_EQ(error_of({1, max_int64 + 1, 3}), histogram_error::bad_highest_trackable);
  EXPECT_EQ(error_of({1, hour_ns, 0}), histogram_error::bad_significant_digits);
  EXPECT_EQ(error_of({1, hour_ns, 6}), histogram_error::bad_significant_digits);
  EXPECT_NE(describe(histogram_error::bad_lowest_discernible).find("lowest_discernible"), std::string_view::npos);
  EXPECT_NE(describe(histogram_error::bad_highest_trackable).find("highest_trackable"), std::string_view::npos);
  EXPECT_NE(describe(histogram_error::bad_significant_digits).find("significant_digits"), std::string_view::npos);
}

TEST(histogram_create, accepts_the_limits) {
  EXPECT_EQ(make({1, 2, 1}).counts().size(), 2U * 16);
  EXPECT_EQ(make({1, max_int64, 5}).counts().size(), 47U * 131'072);
  EXPECT_EQ(make({std::uint64_t{1} << 51, max_int64, 3}).counts().size(), 3U * 1024);
}

TEST(histogram_create, layout_of_the_reference) {
  // 22 buckets of 2 048 sub-buckets, half of them shared, for an hour in microseconds at three digits.
  EXPECT_EQ(make({1, 3'600'000'000, 3}).counts().size(), 23'552U);
  const auto defaults = histogram::with_defaults();
  EXPECT_EQ(defaults.counts().size(), 33'792U);
  EXPECT_EQ(defaults.memory_bytes(), 33'792 * 8 + sizeof(histogram));
}

TEST(histogram_buckets, golden_equivalent_values) {
  // The figures of the reference implementation's own tests.
  const auto fine = make({1, 3'600'000'000, 3});
  for (const auto& [value, lowest, highest] :
       {std::tuple{10'007U, 10'000U, 10'007U}, std::tuple{10'009U, 10'008U, 10'015U},
        std::tuple{8'180U, 8'180U, 8'183U}, std::tuple{8'191U, 8'188U, 8'191U}, std::tuple{8'193U, 8'192U, 8'199U},
        std::tuple{9'995U, 9'992U, 9'999U}, std::tuple{2'047U, 2'047U, 2'047U}, std::tuple{2'048U, 2'048U, 2'049U},
        std::tuple{0U, 0U, 0U}}) {
    EXPECT_EQ(fine.lowest_equivalent(value), lowest) << value;
    EXPECT_EQ(fine.highest_equivalent(value), highest) << value;
    // lowest_discernible is rounded down to a power of two, so 1 500 behaves as 1 024.
    for (const std::uint64_t unit : {1024U, 1500U}) {
      const auto scaled = make({unit, 3'600'000'000'000, 3});
      EXPECT_EQ(scaled.lowest_equivalent(value * 1024UL), lowest * 1024UL) << value;
      EXPECT_EQ(scaled.highest_equivalent(value * 1024UL + 7), highest * 1024UL + 1023) << value;
    }
  }
}

TEST(histogram_buckets, follow_each_other_without_a_gap_and_keep_the_resolution) {
  for (const int digits : {1, 2, 3, 4}) {
    for (const std::uint64_t unit : {1U, 1000U}) {
      const auto subject = make({unit, hour_ns, digits});
      const double resolution = std::pow(10.0, -digits);
      std::uint64_t next = 0;
      for (std::size_t buckets = 0; buckets < subject.counts().size() && next <= hour_ns; ++buckets) {
        const std::uint64_t highest = subject.highest_equivalent(next);
        ASSERT_EQ(subject.lowest_equivalent(next), next);
        ASSERT_EQ(subject.lowest_equivalent(std::min(highest, hour_ns)), next);
        ASSERT_TRUE(highest - next < unit ||
                    static_cast<double>(highest - next) <= resolution * static_cast<double>(next));
        next = highest + 1;
      }
      EXPECT_GT(next, hour_ns);
    }
  }
}

TEST(histogram_empty, everything_is_zero) {
  const auto subject = histogram::with_defaults();
  EXPECT_EQ(subject.count(), 0U);
  EXPECT_EQ(subject.min(), 0U);
  EXPECT_EQ(subject.max(), 0U);
  EXPECT_EQ(subject.mean(), 0.0);
  EXPECT_EQ(subject.value_at_quantile(0.0), 0U);
  EXPECT_EQ(subject.value_at_quantile(0.5), 0U);
  EXPECT_EQ(subject.value_at_quantile(1.0), 0U);
  EXPECT_EQ(subject.count_at_or_below(hour_ns), 0U);
  subject.for_each_recorded([](auto, auto, auto) { ADD_FAILURE() << "an empty histogram has no bucket"; });
}

TEST(histogram_record, one_value_is_every_quantile) {
  auto subject = histogram::with_defaults();
  subject.record(10'001);
  EXPECT_EQ(subject.count(), 1U);
  EXPECT_EQ(subject.min(), 10'001U);
  EXPECT_EQ(subject.max(), 10'001U);
  EXPECT_EQ(subject.mean(), 10'001.0);
  EXPECT_EQ(subject.value_at_quantile(0.0), 10'000U);
  for (const double q : {1e-9, 0.5, 0.999, 1.0}) EXPECT_EQ(subject.value_at_quantile(q), 10'007U) << q;
}

TEST(histogram_record, a_count_is_that_many_recordings) {
  auto counted = histogram::with_defaults();
  auto repeated = histogram::with_defaults();
  counted.record(123'456, 1000);
  counted.record(5, 3);
  for (int i = 0; i < 1000; ++i) repeated.record(123'456);
  for (int i = 0; i < 3; ++i) repeated.record(5);
  EXPECT_EQ(counted, repeated);
}

TEST(histogram_record, a_count_of_zero_changes_nothing) {
  auto subject = histogram::with_defaults();
  subject.record(7);
  const auto before = subject;
  subject.record(1, 0);
  subject.record(std::numeric_limits<std::uint64_t>::max(), 0);
  EXPECT_EQ(subject, before);
}

TEST(histogram_record, the_sum_is_exact_beyond_64_bit) {
  auto subject = histogram::with_defaults();
  subject.record(hour_ns, 10'000'000'000);
  subject.record(hour_ns - 2, 10'000'000'000);
  EXPECT_EQ(subject.mean(), static_cast<double>(hour_ns - 1));
  subject.reset();
  subject.record(std::numeric_limits<std::uint64_t>::max(), histogram::max_total_count);
  EXPECT_TRUE(subject.sum() / histogram::max_total_count == std::numeric_limits<std::uint64_t>::max());
}

TEST(histogram_quantile, ranks_round_up) {
  auto subject = histogram::with_defaults();
  for (std::uint64_t value = 1; value <= 100; ++value) subject.record(value);
  EXPECT_EQ(subject.value_at_quantile(-1.0), 1U);
  EXPECT_EQ(subject.value_at_quantile(0.0), 1U);
  EXPECT_EQ(subject.value_at_quantile(0.001), 1U);
  EXPECT_EQ(subject.value_at_quantile(0.01), 1U);
  EXPECT_EQ(subject.value_at_quantile(0.0101), 2U);
  EXPECT_EQ(subject.value_at_quantile(0.07), 7U);  // 0.07 * 100 is above 7 in double precision
  EXPECT_EQ(subject.value_at_quantile(0.99), 99U);
  EXPECT_EQ(subject.value_at_quantile(0.9901), 100U);
  EXPECT_EQ(subject.value_at_quantile(1.0), 100U);
  EXPECT_EQ(subject.value_at_quantile(2.0), 100U);
  EXPECT_EQ(subject.value_at_quantile(std::numeric_limits<double>::quiet_NaN()), 1U);
}

TEST(histogram_quantile, reaches_the_last_value_at_any_count) {
  auto subject = histogram::with_defaults();
  subject.record(1, histogram::max_total_count - 1);
  subject.record(2);
  EXPECT_EQ(subject.value_at_quantile(1.0), 2U);
  EXPECT_EQ(subject.value_at_quantile(0.5), 1U);
}

TEST(histogram_count_at_or_below, counts_whole_buckets) {
  auto subject = histogram::with_defaults();
  subject.record(0, 1);
  subject.record(10'000, 2);
  subject.record(10'007, 4);
  subject.record(10'008, 8);
  EXPECT_EQ(subject.count_at_or_below(0), 1U);
  EXPECT_EQ(subject.count_at_or_below(9'999), 1U);
  EXPECT_EQ(subject.count_at_or_below(10'000), 7U);
  EXPECT_EQ(subject.count_at_or_below(10'007), 7U);
  EXPECT_EQ(subject.count_at_or_below(10'008), 15U);
  EXPECT_EQ(subject.count_at_or_below(std::numeric_limits<std::uint64_t>::max()), 15U);
}

TEST(histogram_saturation, clamps_the_bucket_and_keeps_the_truth) {
  auto subject = make({1, 1'000'000, 3});
  subject.record(1'000'000, 5);
  EXPECT_EQ(subject.saturated(), 0U);
  subject.record(1'000'001);
  subject.record(std::numeric_limits<std::uint64_t>::max(), 2);
  EXPECT_EQ(subject.saturated(), 3U);
  EXPECT_EQ(subject.count(), 8U);
  EXPECT_EQ(subject.max(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(subject.value_at_quantile(1.0), subject.highest_equivalent(1'000'000));
  std::vector<std::uint64_t> counts;
  subject.for_each_recorded([&](auto, auto, std::uint64_t count) { counts.push_back(count); });
  EXPECT_EQ(counts, std::vector<std::uint64_t>{8});
}

TEST(histogram_reset, is_as_new_and_keeps_its_memory) {
  auto subject = histogram::with_defaults();
  const std::size_t memory = subject.memory_bytes();
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) subject.record(random());
  EXPECT_EQ(subject.memory_bytes(), memory);
  EXPECT_GT(subject.saturated(), 0U);
  subject.reset();
  EXPECT_EQ(subject, histogram::with_defaults());
  EXPECT_EQ(subject.memory_bytes(), memory);
}

TEST(histogram_copy, has_all_that_was_recorded_and_is_another) {
  auto subject = histogram::with_defaults();
  EXPECT_EQ(histogram(subject), subject) << "nothing";
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{5}, hour_ns, 9 * hour_ns, max_int64}) {
    subject.record(value);
    histogram copy(subject);
    EXPECT_EQ(copy, subject) << value;
    copy.record(7);
    EXPECT_NE(copy, subject);
    copy = subject;
    EXPECT_EQ(copy, subject);
  }
}

// Buckets beyond the one of highest_trackable are none that record() uses, but a decoder may have them.
TEST(histogram_copy, has_the_last_bucket_of_all) {
  const histogram_options options{1, 1'000'000, 2};
  std::vector<std::uint64_t> counts(make(options).counts().size());
  counts.back() = 3;
  const auto subject = histogram::from_counts(options, counts);
  ASSERT_TRUE(subject.has_value());
  EXPECT_EQ(histogram(*subject), *subject);
  EXPECT_EQ(subject->value_at_quantile(0.5), subject->max());
  std::uint64_t seen = 0;
  subject->for_each_recorded([&seen](std::uint64_t, std::uint64_t, std::uint64_t count) { seen += count; });
  EXPECT_EQ(seen, 3U);
}

TEST(histogram_merge, refuses_another_layout) {
  auto subject = histogram::with_defaults();
  subject.record(5);
  const auto before = subject;
  for (const histogram_options& options :
       {histogram_options{2, hour_ns, 3}, histogram_options{1, hour_ns + 1, 3}, histogram_options{1, hour_ns, 2}}) {
    const auto merged = subject.merge(make(options));
    ASSERT_FALSE(merged.has_value());
    EXPECT_EQ(merged.error(), histogram_error::layout_mismatch);
  }
  EXPECT_EQ(subject, before);
}

TEST(histogram_merge, refuses_to_overflow) {
  auto subject = histogram::with_defaults();
  subject.record(5, histogram::max_total_count - 1);
  auto one = histogram::with_defaults();
  one.record(9);
  ASSERT_TRUE(subject.merge(one).has_value());
  const auto before = subject;
  const auto merged = subject.merge(one);
  ASSERT_FALSE(merged.has_value());
  EXPECT_EQ(merged.error(), histogram_error::count_overflow);
  EXPECT_EQ(subject, before);
}

TEST(histogram_from_counts, checks_size_and_total) {
  const histogram_options options{1, 1'000'000, 2};
  const std::size_t buckets = make(options).counts().size();
  EXPECT_TRUE(histogram::from_counts(options, std::vector<std::uint64_t>(buckets, 1)).has_value());
  EXPECT_EQ(refusal(histogram::from_counts(options, std::vector<std::uint64_t>(buckets + 1))),
            histogram_error::too_many_counts);
  EXPECT_EQ(refusal(histogram::from_counts(options, std::vector<std::uint64_t>{max_int64, 1})),
            histogram_error::count_overflow);
  EXPECT_EQ(refusal(histogram::from_counts({0, 1, 1}, {})), histogram_error::bad_lowest_discernible);
}

TEST(histogram_from_counts, statistics_are_those_of_the_buckets) {
  auto recorded = histogram::with_defaults();
  recorded.record(10'001, 2);
  recorded.record(20'003);
  const auto rebuilt = histogram::from_counts(recorded.options(), recorded.counts());
  ASSERT_TRUE(rebuilt.has_value());
  EXPECT_EQ(rebuilt->count(), 3U);
  EXPECT_EQ(rebuilt->min(), 10'000U);
  EXPECT_EQ(rebuilt->max(), 20'015U);
  EXPECT_EQ(rebuilt->mean(), (10'004.0 + 10'004.0 + 20'008.0) / 3);
}

// --- against the sorted sample
// -------------------------------------------------------------------------------

using generator = std::function<std::uint64_t(std::mt19937_64&)>;

struct distribution {
  std::string name;
  generator draw;
};

std::uint64_t within_range(double value) {
  return static_cast<std::uint64_t>(std::clamp(value, 0.0, static_cast<double>(hour_ns)));
}

std::vector<distribution> distributions() {
  return {
      {"uniform", [](auto& random) { return std::uniform_int_distribution<std::uint64_t>(0, hour_ns)(random); }},
      {"small", [](auto& random) { return std::uniform_int_distribution<std::uint64_t>(0, 3000)(random); }},
      {"exponential", [](auto& random) { return within_range(std::exponential_distribution(1e-6)(random)); }},
      {"lognormal", [](auto& random) { return within_range(std::lognormal_distribution(13.0, 2.0)(random)); }},
      {"pareto",
       [](auto& random) {
         return within_range(1e4 * std::pow(1.0 - std::uniform_real_distribution<>()(random), -1.0 / 0.8));
       }},
      {"bimodal",
       [](auto& random) {
         return std::bernoulli_distribution(0.99)(random) ? 80'000 + random() % 1000 : 40'000'000 + random() % 1000;
       }},
      {"constant", [](auto&) { return std::uint64_t{123'456'789}; }},
  };
}

class histogram_property : public testing::TestWithParam<std::uint64_t> {};

TEST_P(histogram_property, quantiles_follow_the_sorted_sample) {
  for (const auto& [name, draw] : distributions()) {
    std::mt19937_64 random(GetParam());
    std::vector<std::uint64_t> sorted(1 + random() % 20'000);
    auto subject = histogram::with_defaults();
    for (auto& value : sorted) subject.record(value = draw(random));
    std::ranges::sort(sorted);
    EXPECT_EQ(subject.count(), sorted.size());
    EXPECT_EQ(subject.min(), sorted.front());
    EXPECT_EQ(subject.max(), sorted.back());
    EXPECT_TRUE(subject.sum() == std::accumulate(sorted.begin(), sorted.end(), uint128{0})) << name;
    for (const std::uint64_t q : {1U, 100U, 700U, 5000U, 7500U, 9000U, 9500U, 9900U, 9990U, 9999U, 10'000U}) {
      const std::uint64_t rank = (q * sorted.size() + 9'999) / 10'000;  // ceil, in whole numbers
      const std::uint64_t exact = sorted[rank - 1];
      const std::uint64_t estimate = subject.value_at_quantile(static_cast<double>(q) / 10'000);
      EXPECT_EQ(estimate, subject.highest_equivalent(exact)) << name << ' ' << q;
      ASSERT_GE(estimate, exact) << name << ' ' << q;
      EXPECT_LE(static_cast<double>(estimate - exact), 1e-3 * static_cast<double>(exact)) << name << ' ' << q;
      const auto at_or_below = std::ranges::upper_bound(sorted, estimate) - sorted.begin();
      EXPECT_EQ(subject.count_at_or_below(exact), static_cast<std::uint64_t>(at_or_below)) << name << ' ' << q;
    }
  }
}

TEST_P(histogram_property, recorded_buckets_hold_every_value_once) {
  for (const auto& [name, draw] : distributions()) {
    std::mt19937_64 random(GetParam());
    std::vector<std::uint64_t> sorted(5'000);
    auto subject = histogram::with_defaults();
    for (auto& value : sorted) subject.record(value = draw(random));
    std::ranges::sort(sorted);
    auto next = sorted.begin();
    subject.for_each_recorded([&](std::uint64_t lowest, std::uint64_t highest, std::uint64_t count) {
      const auto end = std::upper_bound(next, sorted.end(), highest);
      ASSERT_NE(next, end) << name;
      EXPECT_GE(*next, lowest) << name;
      EXPECT_EQ(static_cast<std::uint64_t>(end - next), count) << name;
      next = end;
    });
    EXPECT_EQ(next, sorted.end()) << name;
  }
}

TEST_P(histogram_property, merging_any_split_is_recording_into_one) {
  for (const auto& [name, draw] : distributions()) {
    std::mt19937_64 random(GetParam());
    auto whole = histogram::with_defaults();
    std::vector<histogram> parts(1 + random() % 6, whole);
    for (int i = 0; i < 5'000; ++i) {
      const std::uint64_t value = random() % 100 == 0 ? hour_ns + random() % hour_ns : draw(random);
      const std::uint64_t count = random() % 4;
      whole.record(value, count);
      parts[random() % parts.size()].record(value, count);
    }
    std::ranges::shuffle(parts, random);
    auto merged = histogram::with_defaults();
    for (const auto& part : parts) ASSERT_TRUE(merged.merge(part).has_value());
    EXPECT_TRUE(merged == whole) << name;
    EXPECT_GT(merged.saturated(), 0U) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, histogram_property, testing::Values(1, 2, 3, 20'240'607, 987'654'321));

}  // namespace
}  // namespace assay::observe
