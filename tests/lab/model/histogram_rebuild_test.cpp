#include "lab/model/histogram_rebuild.hpp"

#include <gtest/gtest.h>

#include <random>

#include "stack/observe/histogram_codec.hpp"

namespace assay::model {
namespace {

observe::histogram through_text(const observe::histogram& source) {
  return *observe::decode_v2_base64(observe::encode_v2_base64(source));
}

TEST(histogram_rebuild, gives_back_every_histogram_exactly) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 60; ++round) {
    auto source = observe::histogram::with_defaults();
    const auto recordings = random() % 400;
    std::lognormal_distribution<double> latency(13, 0.1 + 0.1 * round);
    for (std::uint64_t i = 0; i < recordings; ++i) source.record(static_cast<std::uint64_t>(latency(random)));
    if (round % 7 == 0) source.record(source.options().highest_trackable + random() % 1'000'000, 1 + random() % 3);
    if (round % 5 == 0) source.record(0);
    const auto rebuilt = rebuild(through_text(source), exact_statistics_of(source));
    ASSERT_TRUE(rebuilt) << rebuilt.error() << " in round " << round;
    EXPECT_TRUE(*rebuilt == source) << "round " << round;
  }
}

TEST(histogram_rebuild, knows_the_smallest_cases) {
  auto source = observe::histogram::with_defaults();
  EXPECT_TRUE(*rebuild(source, {}) == source);
  source.record(123'456'789);
  EXPECT_TRUE(*rebuild(through_text(source), exact_statistics_of(source)) == source);
  source.record(123'456'790);
  EXPECT_TRUE(*rebuild(through_text(source), exact_statistics_of(source)) == source);
}

TEST(histogram_rebuild, refuses_statistics_that_the_buckets_cannot_have) {
  auto source = observe::histogram::with_defaults();
  EXPECT_FALSE(rebuild(source, {.greatest = 1}));
  source.record(1'000'000, 10);
  source.record(5'000'000, 10);
  const auto buckets = through_text(source);
  const exact_statistics right = exact_statistics_of(source);
  const auto with = [&](auto change) {
    exact_statistics wrong = right;
    change(wrong);
    return rebuild(buckets, wrong).has_value();
  };
  EXPECT_TRUE(with([](exact_statistics&) {}));
  EXPECT_FALSE(with([](exact_statistics& it) { it.least = 2'000'000; }));
  EXPECT_FALSE(with([](exact_statistics& it) { it.least = 500'000; }));
  EXPECT_FALSE(with([](exact_statistics& it) { it.greatest = 6'000'000; }));
  EXPECT_FALSE(with([](exact_statistics& it) { it.sum *= 2; }));
  EXPECT_FALSE(with([](exact_statistics& it) { it.sum /= 2; }));
  EXPECT_FALSE(with([](exact_statistics& it) { it.saturated = 3; }));
}

}  // namespace
}  // namespace assay::model
