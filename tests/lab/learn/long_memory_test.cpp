#include "lab/learn/long_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include "lab/learn/request_measures.hpp"

namespace assay::learn {
namespace {

using second_counts = std::vector<std::uint32_t>;

constexpr std::size_t noises = 8;
constexpr std::size_t noise_seconds = 4096;

// Fractional Gaussian noise as counts about a thousand, several at once, exactly: each next one from its law given all
// before (J. R. M. Hosking, Water Resources Research 20, 1984).
std::vector<second_counts> fractional_noise(double hurst, unsigned seed) {
  const auto covariance = [&](std::size_t lag) {
    const auto k = static_cast<double>(lag);
    const double before = lag == 0 ? 1 : k - 1;
    return (std::pow(k + 1, 2 * hurst) - 2 * std::pow(k, 2 * hurst) + std::pow(before, 2 * hurst)) / 2;
  };
  std::vector<double> law(noise_seconds);
  for (std::size_t lag = 0; lag < noise_seconds; ++lag) law[lag] = covariance(lag);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<std::vector<double>> noise(noises, std::vector<double>(noise_seconds));
  for (auto& each : noise) each[0] = normal(random);
  std::vector<double> weights;  // of the last one, the one before it, and so on
  double variance = 1;
  for (std::size_t t = 1; t < noise_seconds; ++t) {
    double missing = law[t];
    for (std::size_t j = 0; j + 1 < t; ++j) missing -= weights[j] * law[t - 1 - j];
    const double next = missing / variance;
    std::vector<double> updated(t);
    for (std::size_t j = 0; j + 1 < t; ++j) updated[j] = weights[j] - next * weights[t - 2 - j];
    updated[t - 1] = next;
    weights.swap(updated);
    variance *= 1 - next * next;
    for (auto& each : noise) {
      double mean = 0;
      for (std::size_t j = 0; j < t; ++j) mean += weights[j] * each[t - 1 - j];
      each[t] = mean + std::sqrt(variance) * normal(random);
    }
  }
  std::vector<second_counts> made;
  for (const auto& each : noise) {
    second_counts& seconds = made.emplace_back();
    for (const double value : each) {
      seconds.push_back(static_cast<std::uint32_t>(std::max(std::llround(1000 + 100 * value), 0LL)));
    }
  }
  return made;
}

template <typename Rate>
second_counts poisson_counts(std::size_t seconds, unsigned seed, Rate&& rate) {
  std::mt19937_64 random(seed);
  second_counts made;
  for (std::size_t s = 0; s < seconds; ++s) {
    made.push_back(std::poisson_distribution<std::uint32_t>(rate(static_cast<double>(s)))(random));
  }
  return made;
}

TEST(hurst, of_known_noise_lies_in_its_interval) {
  for (const double truth : {0.5, 0.65, 0.8}) {
    int outside = 0;
    double sum = 0;
    for (const second_counts& each : fractional_noise(truth, 7)) {
      const auto found = hurst_exponent(each);
      ASSERT_TRUE(found.has_value());
      outside += found->low <= truth && truth <= found->high ? 0 : 1;
      sum += found->value;
      EXPECT_LT(found->high - found->low, 0.3) << truth;
    }
    EXPECT_LE(outside, 2) << truth << ": of 8 intervals of 95 %, more than 2 miss once in 170 times";
    EXPECT_NEAR(sum / noises, truth, 0.04) << truth;
  }
}

TEST(hurst, the_shape_of_a_day_is_no_memory) {
  const auto daily = [](double s) { return 20 * (1 + 0.8 * std::sin(2 * std::numbers::pi * s / 86'400)); };
  const auto found = hurst_exponent(poisson_counts(86'400, 3, daily));
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->value, 0.5, 0.03);
  EXPECT_LT(found->high - found->low, 0.08);
}

TEST(hurst, busy_times_of_every_length_show) {
  // Fifty sources that are on and off for times of a Pareto law of 1.2: H = (3 - 1.2) / 2 (W. Willinger et al.,
  // IEEE/ACM Transactions on Networking 5, 1997).
  constexpr std::size_t seconds = 86'400;
  std::mt19937_64 random(11);
  std::vector<double> rate(seconds, 0.0);
  std::uniform_real_distribution<double> unit(1e-6, 1);
  for (int source = 0; source < 50; ++source) {
    std::size_t at = 0;
    for (bool on = source % 2 == 0; at < seconds; on = !on) {
      const auto until = std::min(seconds, at + static_cast<std::size_t>(3 * std::pow(unit(random), -1 / 1.2)));
      for (; at < until; ++at) rate[at] += on ? 4 : 0;
    }
  }
  const auto found =
      hurst_exponent(poisson_counts(seconds, 12, [&](double s) { return rate[static_cast<std::size_t>(s)]; }));
  ASSERT_TRUE(found.has_value());
  EXPECT_NEAR(found->value, 0.9, 0.12);
  EXPECT_GT(found->low, 0.6);
}

TEST(hurst, is_not_told_of_short_sparse_or_constant_logs) {
  EXPECT_FALSE(hurst_exponent({}));
  EXPECT_FALSE(hurst_exponent(poisson_counts(400, 1, [](double) { return 50.0; })));
  EXPECT_FALSE(hurst_exponent(poisson_counts(4'096, 1, [](double) { return 0.01; })));
  EXPECT_FALSE(hurst_exponent(second_counts(10'000, 5)));
  EXPECT_TRUE(hurst_exponent(poisson_counts(1'000, 1, [](double) { return 50.0; })));
}

TEST(autocorrelations, are_exact_where_they_are_known) {
  second_counts alternating;
  for (int s = 0; s < 14'400; ++s) alternating.push_back(s % 2 == 0 ? 0 : 2);
  const auto found = autocorrelation({.series = alternating, .first = 7'200});
  EXPECT_DOUBLE_EQ(found.at(1).value, -1);
  EXPECT_DOUBLE_EQ(found.at(10).value, 1);
  EXPECT_DOUBLE_EQ(found.at(10).high, 1);
  EXPECT_FALSE(found.contains(60)) << "blocks of 450 s are too short";
  EXPECT_TRUE(autocorrelation({.series = second_counts(20'000, 3), .first = 0}).empty()) << "nothing varies";
}

TEST(autocorrelations, of_a_moving_sum_are_a_half_and_nothing) {
  const second_counts drawn = poisson_counts(50'001, 5, [](double) { return 10.0; });
  second_counts sums;
  for (std::size_t i = 1; i < drawn.size(); ++i) sums.push_back(drawn[i] + drawn[i - 1]);
  const auto found = autocorrelation({.series = sums, .first = 1'800});
  ASSERT_EQ(found.size(), 3U);
  EXPECT_NEAR(found.at(1).value, 0.5, 0.02);
  EXPECT_NEAR(found.at(10).value, 0, 0.03);
  EXPECT_NEAR(found.at(60).value, 0, 0.03);
  for (const auto& [lag, each] : found) EXPECT_LT(each.high - each.low, 0.06) << lag;
}

TEST(autocorrelations, the_shape_of_the_day_is_none) {
  const auto steps = [](double s) { return std::fmod(std::floor(s / 3'600), 2) == 0 ? 5.0 : 25.0; };
  const second_counts drawn = poisson_counts(43'200, 6, steps);
  EXPECT_NEAR(autocorrelation({.series = drawn, .first = 0}).at(1).value, 0, 0.03);
}

// Gaps of `draw()` microseconds.
template <typename Draw>
std::optional<model::estimate> variation(int requests, std::chrono::microseconds resolution, Draw&& draw) {
  request_measures measures;
  block_place place;
  log_time at{};
  double all = 0;
  for (int i = 0; i < requests; ++i) {
    const double gap = draw();
    all += gap;
    at += std::chrono::microseconds(std::llround(gap));
    measures.add_gap(place, at);
    place.next();
  }
  return measures.gap_cv({.end = place, .mean_per_s = 1e6 * requests / all, .resolution = resolution});
}

TEST(gaps, vary_as_their_law_says) {
  using namespace std::chrono_literals;
  std::mt19937_64 random(9);
  std::exponential_distribution<double> exponential(1e-6);
  const auto poisson_gaps = variation(20'000, 1us, [&] { return exponential(random); });
  ASSERT_TRUE(poisson_gaps.has_value());
  EXPECT_NEAR(poisson_gaps->value, 1, 0.03);
  EXPECT_LT(poisson_gaps->low, 1);
  EXPECT_GT(poisson_gaps->high, 1);
  // Half of them a tenth of the mean, the others 1.9 of it: E g^2 = (0.01 + 3.61) of the mean's square.
  const auto mixed = variation(40'000, 1us, [&] { return exponential(random) * (random() % 2 == 0 ? 0.1 : 1.9); });
  EXPECT_NEAR(mixed->value, std::sqrt(2.62), 0.06);
  EXPECT_LT(variation(5'000, 1ms, [] { return 1e6; })->value, 0.05) << "but for the width of a class";
  EXPECT_FALSE(variation(20'000, 1s, [&] { return exponential(random); })) << "stamps as coarse as the gaps";
  EXPECT_FALSE(variation(1'000, 1us, [&] { return exponential(random); })) << "too few";
}

}  // namespace
}  // namespace assay::learn
