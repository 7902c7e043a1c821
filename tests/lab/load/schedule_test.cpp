#include "lab/load/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

using model::arrival_law;

std::vector<double> first_ns(const schedule_options& options, std::size_t count) {
  arrival_schedule schedule(options);
  std::vector<double> offsets;
  for (std::size_t k = 0; k < count; ++k, schedule.pop()) {
    offsets.push_back(static_cast<double>(schedule.peek().count()));
  }
  return offsets;
}

std::vector<double> gaps_of(const std::vector<double>& offsets) {
  std::vector<double> gaps(offsets.size());
  std::adjacent_difference(offsets.begin(), offsets.end(), gaps.begin());
  return gaps;  // the first arrival counts from the start
}

// round(n * 1e9 / rate) without floating point.
std::int64_t exact_ns(std::uint64_t arrival, std::uint64_t rate) {
  __extension__ using wide = unsigned __int128;
  return static_cast<std::int64_t>((wide{arrival} * 1'000'000'000 * 2 + rate) / (wide{rate} * 2));
}

TEST(schedule, constant_arrivals_are_the_closed_form_for_any_rate_and_number_of_threads) {
  for (const std::uint64_t rate : {1ULL, 3ULL, 7ULL, 60ULL, 999ULL, 1000ULL, 12'345ULL, 333'333ULL, 9'999'991ULL}) {
    for (const unsigned threads : {1U, 2U, 3U, 7U, 16U}) {
      for (unsigned thread = 0; thread < threads; ++thread) {
        arrival_schedule schedule({.rate_per_s = static_cast<double>(rate), .thread = thread, .threads = threads});
        for (std::uint64_t k = 0; k < 200; ++k, schedule.pop()) {
          ASSERT_EQ(schedule.index(), k);
          ASSERT_NEAR(static_cast<double>(schedule.peek().count()),
                      static_cast<double>(exact_ns(k * threads + thread, rate)), 1.0)
              << rate << "/s, thread " << thread << " of " << threads << ", arrival " << k;
        }
      }
    }
  }
}

TEST(schedule, the_threads_together_make_the_schedule_of_one) {
  for (const double rate : {1.0, 7919.0, 12'345.678, 333'333.0, 1e7}) {
    for (const unsigned threads : {2U, 3U, 5U, 12U}) {
      std::vector<double> all;
      for (unsigned thread = 0; thread < threads; ++thread) {
        const std::vector<double> share = first_ns({.rate_per_s = rate, .thread = thread, .threads = threads}, 5000);
        all.insert(all.end(), share.begin(), share.end());
      }
      std::ranges::sort(all);
      EXPECT_EQ(all, first_ns({.rate_per_s = rate}, threads * 5000UL)) << rate << "/s, " << threads << " threads";
    }
  }
}

TEST(schedule, ten_million_arrivals_later_it_has_not_drifted) {
  constexpr std::uint64_t rate = 299'993;
  arrival_schedule schedule({.rate_per_s = rate, .thread = 2, .threads = 3});
  duration before{};
  for (std::uint64_t k = 0; k < 10'000'000; ++k, schedule.pop()) {
    ASSERT_GE(schedule.peek(), before);
    before = schedule.peek();
  }
  EXPECT_EQ(schedule.peek().count(), exact_ns(10'000'000ULL * 3 + 2, rate));
}

TEST(schedule, poisson_arrivals_repeat_with_the_seed_and_differ_without) {
  const schedule_options first{.law = arrival_law::poisson, .rate_per_s = 1000, .seed = 7};
  schedule_options other_seed = first;
  other_seed.seed = 8;
  schedule_options two_threads = first;
  two_threads.threads = 2;
  schedule_options second_of_two = two_threads;
  second_of_two.thread = 1;
  EXPECT_EQ(first_ns(first, 1000), first_ns(first, 1000));
  EXPECT_NE(first_ns(first, 1000), first_ns(other_seed, 1000));
  EXPECT_NE(first_ns(two_threads, 1000), first_ns(second_of_two, 1000));
}

// The one-sample Kolmogorov-Smirnov statistic against the exponential law with that mean.
double ks_against_exponential(std::vector<double> gaps, double mean) {
  std::ranges::sort(gaps);
  const auto n = static_cast<double>(gaps.size());
  double worst = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double law = -std::expm1(-gaps[i] / mean);
    const auto below = static_cast<double>(i);
    worst = std::max({worst, law - below / n, (below + 1) / n - law});
  }
  return worst;
}

// Anderson-Darling, law fully specified: A2 (Anderson and Darling, JASA 1954); 3.857 is the 1 % point.
double anderson_darling(std::vector<double> gaps, double mean) {
  std::ranges::sort(gaps);
  const std::size_t n = gaps.size();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double log_law = std::log(-std::expm1(-gaps[i] / mean));
    const double log_rest = -gaps[n - 1 - i] / mean;
    sum += (2.0 * static_cast<double>(i) + 1) * (log_law + log_rest);
  }
  return -static_cast<double>(n) - sum / static_cast<double>(n);
}

double lag_correlation(const std::vector<double>& gaps, std::size_t lag) {
  const double mean = std::accumulate(gaps.begin(), gaps.end(), 0.0) / static_cast<double>(gaps.size());
  double with_lag = 0;
  double variance = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    variance += (gaps[i] - mean) * (gaps[i] - mean);
    if (i >= lag) with_lag += (gaps[i] - mean) * (gaps[i - lag] - mean);
  }
  return with_lag / variance;
}

TEST(schedule, poisson_gaps_are_exponential_and_independent) {
  constexpr std::size_t n = 100'000;
  constexpr double rate = 2000;
  constexpr unsigned threads = 4;
  constexpr double mean_ns = 1e9 * threads / rate;
  const double root_n = std::sqrt(static_cast<double>(n));
  for (unsigned thread = 0; thread < threads; ++thread) {
    const std::vector<double> offsets = first_ns(
        {.law = arrival_law::poisson, .rate_per_s = rate, .thread = thread, .threads = threads, .seed = 42}, n);
    EXPECT_TRUE(std::ranges::is_sorted(offsets));
    const std::vector<double> gaps = gaps_of(offsets);
    EXPECT_NEAR(offsets.back() / static_cast<double>(n), mean_ns, 4 * mean_ns / root_n) << "an exponential's sigma";
    EXPECT_LT(ks_against_exponential(gaps, mean_ns), 1.63 / root_n) << "the 1 % point";
    EXPECT_LT(anderson_darling(gaps, mean_ns), 3.857);
    for (const std::size_t lag : {1U, 2U, 3U, 4U, 64U}) EXPECT_LT(std::abs(lag_correlation(gaps, lag)), 4 / root_n);
  }
}

TEST(schedule, a_tick_brings_arrivals_together_and_loses_none) {
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    const schedule_options exact{.law = law, .rate_per_s = 5000, .seed = 7};
    schedule_options in_ticks = exact;
    in_ticks.tick = 1ms;
    arrival_schedule each(exact);
    arrival_schedule together(in_ticks);
    for (int i = 0; i < 20'000; ++i, each.pop(), together.pop()) {
      EXPECT_EQ(together.peek() % 1ms, 0ns);
      EXPECT_LE(together.peek(), each.peek());
      EXPECT_LT(each.peek() - together.peek(), 1ms);
      EXPECT_EQ(together.index(), each.index());
    }
  }
}

TEST(schedule, threads_superpose_to_a_poisson_process_of_the_whole_rate) {
  constexpr double rate = 3000;
  constexpr unsigned threads = 3;
  constexpr double until_ns = 20e9;
  std::vector<double> all;
  for (unsigned thread = 0; thread < threads; ++thread) {
    arrival_schedule schedule(
        {.law = arrival_law::poisson, .rate_per_s = rate, .thread = thread, .threads = threads, .seed = 3});
    for (; static_cast<double>(schedule.peek().count()) < until_ns; schedule.pop()) {
      all.push_back(static_cast<double>(schedule.peek().count()));
    }
  }
  std::ranges::sort(all);
  const double expected = rate * until_ns / 1e9;
  EXPECT_NEAR(static_cast<double>(all.size()), expected, 4 * std::sqrt(expected));
  const std::vector<double> gaps = gaps_of(all);
  EXPECT_LT(ks_against_exponential(gaps, 1e9 / rate), 1.63 / std::sqrt(static_cast<double>(gaps.size())));
  EXPECT_LT(std::abs(lag_correlation(gaps, 1)), 4 / std::sqrt(static_cast<double>(gaps.size())));
}

}  // namespace
}  // namespace assay::load
