// Schedules of several stages.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "lab/load/schedule.hpp"
#include "tests/effort.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using model::arrival_law;

struct offer {
  duration at{};
  unsigned stage = 0;
  friend bool operator==(const offer&, const offer&) = default;
};

duration length_of(const std::vector<stage>& stages) {
  duration whole{};
  for (const stage& each : stages) whole += each.length;
  return whole;
}

std::vector<offer> offers_of(const schedule_options& options, duration until) {
  arrival_schedule schedule(options);
  std::vector<offer> offers;
  for (; schedule.peek() < until; schedule.pop()) offers.push_back({schedule.peek(), schedule.stage_index()});
  return offers;
}

// Of all threads together, in order of time.
std::vector<offer> all_offers(schedule_options options, unsigned threads, duration until) {
  std::vector<offer> all;
  options.threads = threads;
  for (options.thread = 0; options.thread < threads; ++options.thread) {
    const std::vector<offer> share = offers_of(options, until);
    all.insert(all.end(), share.begin(), share.end());
  }
  std::ranges::sort(all, {}, &offer::at);
  return all;
}

void expect_stages_by_instant(const std::vector<offer>& offers, const std::vector<stage>& stages) {
  for (const offer& each : offers) {
    duration begins{};
    unsigned in = 0;
    while (in + 1 < stages.size() && each.at >= begins + stages[in].length) begins += stages[in++].length;
    ASSERT_EQ(each.stage, in) << each.at.count();
  }
}

const std::vector<stage> odd = {{100.0 / 3, 700ms}, {7, 1s}, {0, 300ms}, {1234.5, 321ms}, {0.5, 5s}, {250, 2s}};

TEST(stages, constant_arrivals_are_the_inverse_of_what_is_expected_until_then) {
  const std::vector<offer> offers = offers_of({.stages = odd}, length_of(odd));
  expect_stages_by_instant(offers, odd);
  // Written apart: walk the stages, arrival n where the expected number reaches n.
  std::size_t n = 0;
  double before = 0;
  double begins_ns = 0;
  for (const stage& each : odd) {
    const double arrivals = each.rate_per_s * std::chrono::duration<double>(each.length).count();
    for (; n < offers.size() && static_cast<double>(n) < before + arrivals - 1e-9; ++n) {
      const double at_ns = begins_ns + (static_cast<double>(n) - before) / each.rate_per_s * 1e9;
      ASSERT_NEAR(static_cast<double>(offers[n].at.count()), at_ns, 1.0) << n;
    }
    before += arrivals;
    begins_ns += static_cast<double>(each.length.count());
  }
  EXPECT_EQ(n, offers.size());
}

TEST(stages, whole_numbers_of_arrivals_stay_in_their_stage) {
  const std::vector<stage> stages = {{100, 1s}, {0.1, 10s}, {333, 3s}, {1000.0 / 3, 3s}, {9'999, 100s}, {1, 1s}};
  const std::vector<std::uint64_t> expected = {100, 1, 999, 1000, 999'900, 1};
  std::vector<std::uint64_t> counted(stages.size());
  for (const offer& each : offers_of({.stages = stages}, length_of(stages))) counted[each.stage]++;
  EXPECT_EQ(counted, expected);
}

TEST(stages, the_threads_together_make_the_schedule_of_one) {
  for (const unsigned threads : {2U, 3U, 7U}) {
    EXPECT_EQ(all_offers({.stages = odd}, threads, length_of(odd)), offers_of({.stages = odd}, length_of(odd)));
  }
}

TEST(stages, one_stage_is_the_schedule_of_its_rate) {
  const std::vector<stage> one = {{777, 3s}};
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    EXPECT_EQ(offers_of({.law = law, .stages = one}, 3s), offers_of({.law = law, .rate_per_s = 777}, 3s));
  }
}

// Splitting a stage changes nothing: the law knows the rate only.
TEST(stages, a_boundary_between_equal_rates_cannot_be_seen) {
  const std::vector<stage> split = {{500, 333ms}, {500, 1s}, {500, 2s}};
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    const std::vector<offer> parts = offers_of({.law = law, .seed = 5, .stages = split}, 3s);
    const std::vector<offer> whole = offers_of({.law = law, .rate_per_s = 500, .seed = 5}, 3s);
    ASSERT_EQ(parts.size(), whole.size());
    for (std::size_t k = 0; k < parts.size(); ++k) {
      ASSERT_NEAR(static_cast<double>((parts[k].at - whole[k].at).count()), 0, 1);
    }
  }
}

TEST(stages, a_last_stage_of_rate_zero_ends_the_arrivals) {
  const std::vector<stage> stages = {{10, 1s}, {0, 1h}};
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    arrival_schedule schedule({.law = law, .seed = 3, .stages = stages});
    while (schedule.peek() < 1s) schedule.pop();
    EXPECT_EQ(schedule.peek(), arrival_schedule::no_more);
    schedule.pop();
    EXPECT_EQ(schedule.peek(), arrival_schedule::no_more);
  }
  const std::vector<stage> nothing = {{0, 1s}};
  EXPECT_EQ(arrival_schedule({.stages = nothing}).peek(), arrival_schedule::no_more);
}

double expected_until(const offer& of, const std::vector<stage>& stages) {
  double sum = 0;
  duration begins{};
  for (unsigned s = 0; s <= of.stage; ++s) {
    const duration in_it = s == of.stage ? of.at - begins : stages[s].length;
    sum += std::chrono::duration<double>(in_it).count() * stages[s].rate_per_s;
    begins += stages[s].length;
  }
  return sum;
}

// Kolmogorov-Smirnov against the exponential law of mean one, times the root of the number.
double off_exponential(std::vector<double> gaps) {
  std::ranges::sort(gaps);
  const auto n = static_cast<double>(gaps.size());
  double distance = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double at_most = -std::expm1(-gaps[i]);
    distance = std::max({distance, at_most - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - at_most});
  }
  return distance * std::sqrt(n);
}

// Rescaled by the expected number until then, the arrivals of all threads are a Poisson process of rate one.
TEST(stages, poisson_threads_superpose_to_one_process_in_rescaled_time) {
  const std::vector<stage> stages = {{500, 10s}, {3000, 5s}, {0, 1s}, {100, 20s}, {2000, 5s}};
  const std::vector<double> expected = {5000, 15'000, 0, 2000, 10'000};
  constexpr int rounds = sanitized ? 5 : 40;
  int beyond = 0;
  double mean = 0;
  for (std::uint64_t seed = 1; seed <= rounds; ++seed) {
    const std::vector<offer> all =
        all_offers({.law = arrival_law::poisson, .seed = seed, .stages = stages}, 3, length_of(stages));
    if (seed == 1) expect_stages_by_instant(all, stages);
    std::vector<double> counted(stages.size());
    std::vector<double> gaps;
    double last = 0;
    for (const offer& each : all) {
      counted[each.stage]++;
      const double rescaled = expected_until(each, stages);
      gaps.push_back(rescaled - last);
      last = rescaled;
    }
    for (std::size_t s = 0; s < stages.size(); ++s) EXPECT_NEAR(counted[s], expected[s], 5 * std::sqrt(expected[s]));
    const double off = off_exponential(std::move(gaps));
    beyond += off > 1.63 ? 1 : 0;
    mean += off / rounds;
  }
  EXPECT_LE(beyond, 3) << "beyond the 1 % point";
  EXPECT_NEAR(mean, 0.868, sanitized ? 0.48 : 0.17) << "the mean of Kolmogorov's law, four standard errors";
}

TEST(stages, skipping_counts_what_popping_would) {
  for (const duration to : std::initializer_list<duration>{1ns, 333ms, 700ms, 1999ms, 2s, 2321ms, 5s, 9s}) {
    for (unsigned thread = 0; thread < 3; ++thread) {
      const schedule_options options{.thread = thread, .threads = 3, .stages = odd};
      arrival_schedule skipping(options);
      arrival_schedule popping(options);
      std::uint64_t count = 0;
      for (; popping.peek() < to; ++count) popping.pop();
      EXPECT_EQ(skipping.skip_until(to), count);
      EXPECT_EQ(skipping.peek(), popping.peek());
      EXPECT_EQ(skipping.index(), popping.index());
      EXPECT_EQ(skipping.skip_until(to), 0U);
    }
  }
}

TEST(stages, skipping_poisson_arrivals_counts_what_is_expected) {
  arrival_schedule schedule({.law = arrival_law::poisson, .rate_per_s = 1'000'000, .threads = 2, .seed = 9});
  EXPECT_NEAR(static_cast<double>(schedule.skip_until(1h)), 1.8e9, 2);
  EXPECT_GE(schedule.peek(), 1h);
  EXPECT_LT(schedule.peek(), 1h + 1ms);
  // In many steps of a few none is lost either, nor at the boundaries of stages.
  const std::vector<stage> stages = {{20, 500s}, {0, 10s}, {2'000, 500s}};
  for (const duration step : {duration(1ms), duration(20ms), duration(100ms), duration(10s)}) {
    arrival_schedule stepped({.law = arrival_law::poisson, .seed = 4, .stages = stages});
    std::vector<std::uint64_t> counted(stages.size());
    for (duration at{}; at < 1010s; at += step) {
      const unsigned in = stepped.stage_index();
      counted[in] += stepped.skip_until(at + step);
      EXPECT_GE(stepped.peek(), at + step);
    }
    EXPECT_NEAR(static_cast<double>(counted[0]), 10'000, 4 * std::sqrt(10'000.0)) << step.count();
    EXPECT_EQ(counted[1], 0U);
    EXPECT_NEAR(static_cast<double>(counted[2]), 1'000'000, 4 * std::sqrt(1'000'000.0)) << step.count();
  }
}

TEST(stages, each_ends_where_the_next_begins) {
  arrival_schedule schedule({.stages = odd});
  duration end{};
  for (std::size_t i = 0; i + 1 < odd.size(); ++i) {
    end += odd[i].length;
    if (odd[i].arrivals() < 1) continue;
    while (schedule.stage_index() < i) schedule.pop();
    if (schedule.stage_index() == i) EXPECT_EQ(schedule.stage_end(), end) << i;
  }
  EXPECT_EQ(arrival_schedule({.rate_per_s = 1}).stage_end(), arrival_schedule::no_more);
}

}  // namespace
}  // namespace assay::load
