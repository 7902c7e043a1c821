// How often the intervals of a run hold the truth where a service is fast but for some moments in which it stands
// still: what is meant for then waits until the end of it. One request is meant for each millisecond.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "tests/effort.hpp"
#include "tests/lab/load/intervals_test_support.hpp"

namespace assay::load {
namespace {

struct freeze {
  double from_ms = 0;
  double length_ms = 0;
};

// Any freeze that goes on; each begins where its generator says, also before the run.
using freezes = std::vector<freeze>;
using freeze_source = std::function<freezes(std::mt19937_64&, double run_ms)>;

std::size_t fast_until(const std::vector<double>& until, std::size_t from, std::size_t at_most) {
  std::size_t end = from;
  while (end < until.size() && end < from + at_most && until[end] == 0) ++end;
  return end;
}

void fill_with(const freezes& all, std::mt19937_64& random, std::size_t samples, simulated_run& into) {
  std::vector<double> until(samples, 0);  // 0: it does not stand still
  for (const freeze& each : all) {
    const double end = each.from_ms + each.length_ms;
    const double last = std::min(std::ceil(end), static_cast<double>(samples));
    for (double at = std::max(0.0, std::ceil(each.from_ms)); at < last; ++at) {
      until[static_cast<std::size_t>(at)] = std::max(until[static_cast<std::size_t>(at)], end);
    }
  }
  std::uniform_real_distribution<double> fast(0.5, 1.5);
  constexpr std::size_t alike = 20;  // fast ones that are recorded at once
  for (std::size_t i = 0; i < samples;) {
    const std::size_t end = std::max(i + 1, fast_until(until, i, alike));
    into.add(i, samples, std::max(fast(random), until[i] - static_cast<double>(i)), end - i);
    i = end;
  }
}

// At random, so many in a run on average; the length of each is drawn.
template <class Length>
freeze_source at_random(double in_a_run, double begins_before_ms, Length length) {
  return [=](std::mt19937_64& random, double run_ms) mutable {
    std::uniform_real_distribution<double> begin(-begins_before_ms, run_ms);
    std::poisson_distribution<int> number(in_a_run * (run_ms + begins_before_ms) / run_ms);
    freezes all(static_cast<std::size_t>(number(random)));
    for (freeze& each : all) each = {.from_ms = begin(random), .length_ms = length(random)};
    return all;
  };
}

struct frozen_service {
  std::string name;
  double quantile = 0.99;
  double run_ms = 0;
  freeze_source source;
  double waits_ms = 0;  // at the quantile
  unsigned runs = 400;
  bool regular = false;
};

constexpr auto always = [](double length_ms) { return [length_ms](std::mt19937_64&) { return length_ms; }; };

// Nobody waits for longer than w if no freeze began in the time that is the longest one less w.
frozen_service of_freezes(double quantile, double run_ms, double in_a_run, double length_ms) {
  return {.name = std::to_string(in_a_run) + " freezes of " + std::to_string(length_ms) + " ms",
          .quantile = quantile,
          .run_ms = run_ms,
          .source = at_random(in_a_run, length_ms, always(length_ms)),
          .waits_ms = length_ms + std::log(quantile) * run_ms / in_a_run};
}

frozen_service of_drawn_lengths(double quantile, double run_ms, double in_a_run, double mean_ms) {
  return {.name = std::to_string(in_a_run) + " freezes of an exponential law around " + std::to_string(mean_ms) + " ms",
          .quantile = quantile,
          .run_ms = run_ms,
          .source = at_random(in_a_run, 10 * mean_ms, std::exponential_distribution<double>(1 / mean_ms)),
          .waits_ms = mean_ms * std::log(in_a_run / run_ms * mean_ms / -std::log(quantile))};
}

frozen_service of_regular(double quantile, double run_ms, double in_a_run, double length_ms) {
  const double apart_ms = run_ms / in_a_run;
  return {.name = std::to_string(in_a_run) + " regular freezes",
          .quantile = quantile,
          .run_ms = run_ms,
          .source =
              [=](std::mt19937_64& random, double) {
                freezes all;
                double from_ms = std::uniform_real_distribution<double>(-apart_ms, 0)(random);
                for (; from_ms < run_ms; from_ms += apart_ms) all.push_back({from_ms, length_ms});
                return all;
              },
          .waits_ms = length_ms - (1 - quantile) * apart_ms,
          .regular = true};
}

// Bursts of three freezes, with as much time between them as each takes.
frozen_service of_bursts(double quantile, double run_ms, double in_a_run, double length_ms) {
  constexpr int freezes_a_burst = 3;
  const freeze_source single = at_random(in_a_run, 2 * freezes_a_burst * length_ms, always(length_ms));
  return {.name = std::to_string(in_a_run) + " bursts",
          .quantile = quantile,
          .run_ms = run_ms,
          .source =
              [=](std::mt19937_64& random, double) {
                freezes all;
                for (const freeze& first : single(random, run_ms)) {
                  for (int i = 0; i < freezes_a_burst; ++i) {
                    all.push_back({first.from_ms + 2 * i * length_ms, length_ms});
                  }
                }
                return all;
              },
          .waits_ms = length_ms + std::log(quantile) * run_ms / in_a_run / freezes_a_burst};
}

known_source seen_of(const frozen_service& of) {
  simulated_run run;
  known_source as{.name = of.name,
                  .samples = static_cast<std::size_t>(of.run_ms),
                  .runs = sanitized ? 10 : of.runs,
                  .fill = [&of](auto& random, std::size_t samples,
                                auto& into) { fill_with(of.source(random, of.run_ms), random, samples, into); },
                  .truths = {{.quantile = of.quantile, .ms = of.waits_ms}},
                  .regular = of.regular};
  simulate(as, run);
  return as;
}

void expect_coverage_of(const frozen_service& of) {
  const double band = sanitized ? 0.25 : 0.02 + 1e-9;
  const known_source seen = seen_of(of);
  const truth& at = seen.truths.front();
  expect_coverage(seen, at, band);
  // Told in those runs alone that met more moments than others, an interval would be wrong about the service.
  if (!sanitized) EXPECT_GE(at.told, seen.runs / 2) << of.name;
  EXPECT_GE(at.held, at.told * (0.95 - band)) << of.name;
}

// A handful of freezes decides the p99, or p90, or p99.9: each is one observation, and how many there are is chance.
TEST(intervals_of_freezes, hold_the_truth_at_random_moments) {
  for (const frozen_service& of :
       {of_freezes(0.99, 30'000, 6, 300), of_freezes(0.99, 60'000, 6, 300), of_freezes(0.99, 60'000, 8, 300),
        of_freezes(0.99, 60'000, 12, 300), of_freezes(0.99, 40'000, 20, 300), of_freezes(0.9, 32'000, 9, 800),
        of_freezes(0.999, 64'000, 7, 60)}) {
    expect_coverage_of(of);
  }
}

TEST(intervals_of_freezes, hold_the_truth_whatever_their_lengths_and_when_they_come) {
  for (const frozen_service& of :
       {of_drawn_lengths(0.99, 60'000, 40, 45), of_drawn_lengths(0.99, 60'000, 80, 22), of_bursts(0.99, 60'000, 6, 100),
        of_bursts(0.99, 60'000, 12, 50), of_regular(0.99, 60'000, 6, 300), of_regular(0.99, 60'000, 24, 75)}) {
    expect_coverage_of(of);
  }
}

// Of so few moments most runs tell nothing; what is told is of those that met none, of which nobody knows more.
TEST(intervals_of_freezes, are_told_of_three_in_few_runs) {
  for (const frozen_service& of : {of_freezes(0.99, 30'000, 3, 300), of_drawn_lengths(0.99, 60'000, 6, 300)}) {
    const known_source seen = seen_of(of);
    const truth& at = seen.truths.front();
    std::cout << of.name << ": told in " << at.told << " of " << seen.runs << ", held in " << at.held << '\n';
    EXPECT_LE(at.told, seen.runs * 3 / 10) << of.name;
    EXPECT_LE(at.told - at.held, seen.runs / 10) << of.name;
  }
}

TEST(intervals_of_freezes, say_how_much_longer_a_run_takes_where_few_decide) {
  std::mt19937_64 random(1);
  simulated_run run;
  fill_with({{.from_ms = 5'000, .length_ms = 300}, {.from_ms = 21'500, .length_ms = 300}}, random, 30'000, run);
  const auto told = run.quantile(0.99);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().quantile, 0.99);
  EXPECT_EQ(told.error().why, model::untold_reason::few_moments);
  EXPECT_GT(told.error().times_longer, 1);
  EXPECT_LT(told.error().times_longer, 6);
}

}  // namespace
}  // namespace assay::load
