#include "lab/judge/growth.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace assay::judge {
namespace {

constexpr double megabyte = 1e6;
constexpr growth_rule memory_rule{.least_growth = 1048576, .least_share = 0.02};

struct made_series {
  std::vector<double> at_s;
  std::vector<double> values;
};

// `of(i, t)` at each of n looks, `step_s` apart.
template <typename Function>
made_series make(std::size_t n, double step_s, Function of) {
  made_series made;
  for (std::size_t i = 0; i < n; ++i) {
    made.at_s.push_back(static_cast<double>(i) * step_s);
    made.values.push_back(of(i, made.at_s.back()));
  }
  return made;
}

growth judged(const made_series& of, const growth_rule& rule = memory_rule) {
  return judge_growth(of.at_s, of.values, rule);
}

// Stationary, with a correlation of neighbours of phi and a deviation of 1.
class autocorrelated {
 public:
  autocorrelated(double phi, std::uint64_t seed) : phi_(phi), random_(seed), last_(normal_(random_)) {}
  double next() {
    last_ = phi_ * last_ + std::sqrt(1 - phi_ * phi_) * normal_(random_);
    return last_;
  }

 private:
  double phi_;
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double last_;
};

TEST(growth, ten_megabytes_an_hour_are_found_with_an_interval_that_covers_them) {
  constexpr double per_s = 10 * megabyte / 3600;
  unsigned found = 0;
  unsigned covered = 0;
  constexpr unsigned series = 200;
  for (unsigned seed = 0; seed < series; ++seed) {
    autocorrelated noise(0.5, seed);
    const growth seen = judged(
        make(900, 2, [&](std::size_t, double t) { return 60 * megabyte + per_s * t + 0.3 * megabyte * noise.next(); }));
    found += seen.shape == growth_shape::unbounded;
    covered += seen.slope_per_s.low <= per_s && per_s <= seen.slope_per_s.high;
  }
  RecordProperty("found", static_cast<int>(found));
  RecordProperty("covered", static_cast<int>(covered));
  fmt::print("10 MB an hour, half an hour long: found in {} of {}, the interval covers the truth in {}\n", found,
             series, covered);
  EXPECT_GE(found, series * 98 / 100);
  EXPECT_GE(covered, series * 92 / 100);
}

TEST(growth, the_same_leak_in_a_minute_is_found_from_few_looks) {
  constexpr double per_s = 10 * megabyte / 60;  // an hour's in a minute
  autocorrelated noise(0.5, 3);
  const growth seen = judged(make(
      80, 0.25, [&](std::size_t, double t) { return 30 * megabyte + per_s * t + 0.05 * megabyte * noise.next(); }));
  EXPECT_EQ(seen.shape, growth_shape::unbounded);
  EXPECT_LE(seen.slope_per_s.low, per_s);
  EXPECT_GE(seen.slope_per_s.high, per_s);
  EXPECT_LT(seen.p, growth_alpha);
}

// V8 collects everything once: what is left of a line remembers that for long, and its blocks are a dozen.
TEST(growth, a_leak_is_seen_across_one_dip_of_the_collector) {
  constexpr unsigned series = 100;
  unsigned found = 0;
  for (unsigned seed = 0; seed < series; ++seed) {
    autocorrelated noise(0, seed);
    const growth seen = judged(make(62, 0.26, [&](std::size_t, double t) {
      return (18 + 2 * t - (t > 8.5 ? 2.4 : 0) + 0.25 * noise.next()) * megabyte;
    }));
    found += seen.shape == growth_shape::unbounded;
  }
  EXPECT_GE(found, series * 98 / 100);
}

// Mann-Kendall's test on the samples themselves, two-sided at 1 %: what the procedure is measured against.
bool has_raw_trend(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  double s = 0;
  for (std::size_t j = 1; j < values.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) s += values[j] > values[i] ? 1 : values[j] < values[i] ? -1 : 0;
  }
  const double z = std::max(0.0, std::abs(s) - 1) / std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  return std::erfc(z / std::sqrt(2.0)) < growth_alpha;
}

// Of another program's simulation of such series (AR(1), 120 samples, nominal 1 %): raw Mann-Kendall, corrected as by
// Hamed and Rao, and on means of blocks of ten.
struct reference_alarms {
  double phi;
  double raw;
  double corrected;
  double blocks;
};
constexpr std::array references{reference_alarms{0.0, 0.008, 0.007, 0.007}, reference_alarms{0.5, 0.127, 0.052, 0.010},
                                reference_alarms{0.8, 0.365, 0.113, 0.012},
                                reference_alarms{0.95, 0.665, 0.233, 0.125}};

TEST(growth, autocorrelated_series_raise_at_most_one_false_alarm_in_a_hundred) {
  constexpr growth_rule strictest{};  // no threshold of relevance but the week's, which noise this large passes
  constexpr unsigned series = 1000;
  fmt::print("false alarms, nominal 1 %, of {} series each\n", series);
  fmt::print("   phi    n | raw here  raw, Hamed-Rao, blocks of ten (reference) | this procedure\n");
  for (const auto& [phi, raw, corrected, blocks] : references) {
    for (const std::size_t n : {std::size_t{120}, std::size_t{300}}) {
      unsigned alarms = 0;
      unsigned raw_alarms = 0;
      for (unsigned seed = 0; seed < series; ++seed) {
        autocorrelated noise(phi, seed * 7 + n);
        const auto stationary = make(n, 1, [&](std::size_t, double) { return 100 + 5 * noise.next(); });
        alarms += judged(stationary, strictest).shape == growth_shape::unbounded;
        if (n == 120) raw_alarms += has_raw_trend(stationary.values);
      }
      EXPECT_LE(alarms, series / 100) << "phi " << phi << ", n " << n;
      const double share = static_cast<double>(alarms) / series;
      if (n != 120) {
        fmt::print("  {:4.2f}  {:3} | {:50} | {:.3f}\n", phi, n, "", share);
        continue;
      }
      const double raw_share = static_cast<double>(raw_alarms) / series;
      fmt::print("  {:4.2f}  {:3} |   {:.3f}     {:.3f}      {:.3f}      {:.3f} {:13} | {:.3f}\n", phi, n, raw_share,
                 raw, corrected, blocks, "", share);
      EXPECT_NEAR(raw_share, raw, 0.05) << "such are the series of the reference, phi " << phi;
    }
  }
}

// Full late, its end is seen as such; full early, the most of the series is level.
TEST(growth, a_cache_that_fills_and_stops_is_no_leak) {
  autocorrelated noise(0.5, 1);
  for (const double full_s : {100.0, 150.0, 200.0, 250.0, 300.0, 330.0}) {
    const growth seen = judged(make(400, 1, [&](std::size_t, double t) {
      return 50 * megabyte + 0.1 * megabyte * std::min(t, full_s) + 0.2 * megabyte * noise.next();
    }));
    EXPECT_TRUE(seen.shape == growth_shape::plateau || seen.shape == growth_shape::flat) << full_s;
    EXPECT_TRUE(seen.shape == growth_shape::plateau || full_s < 200) << full_s;
  }
}

TEST(growth, one_rise_of_level_is_a_step) {
  autocorrelated noise(0.5, 2);
  for (const double at_s : {140.0, 240.0, 340.0}) {
    const growth seen = judged(make(400, 1, [&](std::size_t, double t) {
      return 50 * megabyte + (t >= at_s ? 20 * megabyte : 0) + 0.2 * megabyte * noise.next();
    }));
    EXPECT_TRUE(seen.shape == growth_shape::step || seen.shape == growth_shape::flat) << at_s;
  }
}

TEST(growth, an_allocator_that_keeps_and_returns_is_flat) {
  autocorrelated noise(0.3, 4);
  for (const double period_s : {8.0, 20.0, 45.0}) {
    const growth seen = judged(make(600, 1, [&](std::size_t, double t) {
      return 80 * megabyte + 30 * megabyte * std::fmod(t / period_s, 1.0) + 0.5 * megabyte * noise.next();
    }));
    EXPECT_EQ(seen.shape, growth_shape::flat) << period_s;
  }
}

TEST(growth, a_leak_under_a_collectors_saw_is_found) {
  autocorrelated noise(0.3, 5);
  const growth seen = judged(make(900, 1, [&](std::size_t, double t) {
    return 80 * megabyte + 0.05 * megabyte * t + 20 * megabyte * std::fmod(t / 20, 1.0) + 0.5 * megabyte * noise.next();
  }));
  EXPECT_EQ(seen.shape, growth_shape::unbounded);
  EXPECT_NEAR(seen.slope_per_s.value, 0.05 * megabyte, 0.01 * megabyte);
}

TEST(growth, a_leak_in_bursts_alone_is_found) {
  const growth seen =
      judged(make(120, 0.25, [](std::size_t, double t) { return 40 * megabyte + 2 * megabyte * std::floor(t / 2); }));
  EXPECT_EQ(seen.shape, growth_shape::unbounded);
}

TEST(growth, what_does_not_matter_is_no_leak) {
  autocorrelated noise(0, 6);
  const auto creeping = make(600, 1, [&](std::size_t, double t) { return 60 * megabyte + 1000 * t + noise.next(); });
  EXPECT_EQ(judged(creeping).shape, growth_shape::flat) << "half a megabyte";
  EXPECT_GT(judged(creeping).slope_per_s.low, 0) << "though it is sure";
}

TEST(growth, descriptors_that_come_and_go_with_the_load_are_flat_those_that_stay_leak) {
  constexpr growth_rule counts{.least_growth = 8, .blocks = block_value::least};
  std::mt19937_64 random(8);
  std::poisson_distribution<int> busy(40);
  const auto loaded = make(200, 1, [&](std::size_t, double) { return 20 + busy(random); });
  EXPECT_EQ(judged(loaded, counts).shape, growth_shape::flat);
  const auto leaking = make(200, 1, [&](std::size_t, double t) { return 20 + busy(random) + std::floor(t / 2); });
  const growth seen = judged(leaking, counts);
  EXPECT_EQ(seen.shape, growth_shape::unbounded);
  EXPECT_NEAR(seen.slope_per_s.value, 0.5, 0.1);
}

TEST(growth, constant_short_and_empty_series_have_no_shape_but_their_own) {
  EXPECT_EQ(judged(make(100, 1, [](std::size_t, double) { return 7.0; })).shape, growth_shape::flat);
  EXPECT_EQ(judged(make(29, 1, [](std::size_t, double t) { return t; })).shape, growth_shape::too_short);
  EXPECT_EQ(judged(made_series{}).shape, growth_shape::too_short);
  EXPECT_EQ(judged(made_series{{1, 1, 1}, {1, 2, 3}}).shape, growth_shape::too_short);
}

}  // namespace
}  // namespace assay::judge
