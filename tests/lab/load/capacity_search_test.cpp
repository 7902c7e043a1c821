// Searches on a service whose capacity is known: how often does the interval hold it, and after how many runs?
#include "lab/load/capacity_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include "tests/effort.hpp"

namespace assay::load {
namespace {

using model::capacity_estimate;
using model::capacity_outcome;

struct service {
  double capacity_rps = 0;
  double spread = 0;  // of the logarithm of the capacity, from run to run
  double lapse = 0;   // share of runs that say anything
};

bool any_within(const std::vector<double>& rates, double low, double high) {
  return std::ranges::any_of(rates, [&](double each) { return low * 0.999 <= each && each <= high * 1.001; });
}

capacity_estimate searched(const capacity_options& options, const service& on, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  capacity_search search(options);
  std::vector<double> below;
  std::vector<double> above;
  while (const auto rate = search.next()) {
    const double capacity = on.capacity_rps * std::exp(on.spread * normal(random));
    const bool kept = uniform(random) < on.lapse ? uniform(random) < 0.5 : *rate <= capacity;
    search.observe(*rate, kept);
    (kept ? below : above).push_back(*rate);
  }
  const capacity_estimate found = search.estimate();
  if (found.outcome == capacity_outcome::found && found.runs < options.most_runs) {
    const double beyond = 1 + options.precision;
    EXPECT_TRUE(any_within(below, found.low_rps / beyond, found.low_rps)) << "no run below it has kept";
    EXPECT_TRUE(any_within(above, found.high_rps, found.high_rps * beyond)) << "every run above it has kept";
  }
  return found;
}

// The sixty decide; under a sanitizer the same claims are made of fifteen.
// A sanitizer is asked for the memory, and not how often the interval holds.
constexpr unsigned searches_made = sanitized ? 5 : 60;
constexpr double least_held = sanitized ? 0.6 : 0.90;

struct quality {
  double held = 0;   // share of intervals that hold the capacity
  double runs = 0;   // a search
  double width = 0;  // upper over lower end
};

quality quality_on(service on, const capacity_options& options, unsigned searches) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(std::log(150), std::log(40'000));
  quality found;
  for (unsigned i = 0; i < searches; ++i) {
    on.capacity_rps = std::exp(exponent(random));
    const capacity_estimate estimate = searched(options, on, random);
    found.held += (estimate.low_rps <= on.capacity_rps && on.capacity_rps <= estimate.high_rps ? 1.0 : 0.0) / searches;
    found.runs += static_cast<double>(estimate.runs) / searches;
    found.width += estimate.high_rps / estimate.low_rps / searches;
  }
  std::cout << "spread " << 100 * on.spread << " %, lapses " << 100 * on.lapse << " %: held in " << 100 * found.held
            << " % of searches, " << found.runs << " runs, upper end " << found.width << " times the lower\n";
  return found;
}

TEST(capacity_search, finds_a_capacity_that_is_always_the_same) {
  const quality found = quality_on({}, {}, searches_made);
  EXPECT_GE(found.held, 0.95);
  EXPECT_LE(found.width, 1.055);
  EXPECT_LE(found.runs, 25);
}

TEST(capacity_search, finds_a_capacity_that_differs_from_run_to_run) {
  EXPECT_GE(quality_on({.spread = 0.1}, {}, searches_made).held, least_held);
  EXPECT_GE(quality_on({.spread = 0.03}, {}, searches_made).held, least_held);
}

TEST(capacity_search, survives_runs_that_speak_wrongly) {
  EXPECT_GE(quality_on({.spread = 0.03, .lapse = 0.04}, {}, searches_made).held, least_held);
}

TEST(capacity_search, says_when_nothing_is_kept) {
  capacity_search search({.from_rps = 100, .least_rps = 10});
  while (const auto rate = search.next()) search.observe(*rate, false);
  const capacity_estimate found = search.estimate();
  EXPECT_EQ(found.outcome, capacity_outcome::below_least);
  EXPECT_EQ(found.high_rps, 10);
  EXPECT_EQ(found.runs, 10U);  // 100, 50, 25, 12.5, 10, each twice
}

TEST(capacity_search, says_when_everything_is_kept) {
  capacity_search search({.from_rps = 100, .most_rps = 1000});
  while (const auto rate = search.next()) search.observe(*rate, true);
  const capacity_estimate found = search.estimate();
  EXPECT_EQ(found.outcome, capacity_outcome::above_most);
  EXPECT_NEAR(found.low_rps, 1000, 1e-6);
  EXPECT_EQ(found.runs, 5U);  // 100, 200, 400, 800, 1000
}

TEST(capacity_search, asks_for_no_more_than_the_generator_can_do) {
  capacity_search search({.from_rps = 100});
  search.observe(100, true);
  search.limit_to(150);
  EXPECT_NEAR(search.next().value(), 150, 1e-9);
  search.observe(150, true);
  EXPECT_FALSE(search.next());
  EXPECT_EQ(search.estimate().outcome, capacity_outcome::above_most);
}

TEST(capacity_search, does_not_look_above_what_the_generator_can_do) {
  capacity_search search({.from_rps = 100});
  search.observe(100, true);
  search.observe(200, true);
  search.observe(400, false);
  search.observe(400, false);
  search.limit_to(200);
  while (const auto rate = search.next()) {
    ASSERT_LE(*rate, 200 * (1 + 1e-9));
    search.observe(*rate, true);
  }
  EXPECT_EQ(search.estimate().outcome, capacity_outcome::above_most);
  EXPECT_EQ(search.estimate().low_rps, 200);
  EXPECT_LT(search.estimate().runs, 20U);
}

TEST(capacity_search, ends_after_so_many_runs) {
  std::mt19937_64 random(3);
  const capacity_estimate found = searched({.most_runs = 12}, {.capacity_rps = 3000, .spread = 0.3}, random);
  EXPECT_EQ(found.runs, 12U);
  EXPECT_EQ(found.outcome, capacity_outcome::wide);
  EXPECT_LT(found.low_rps, found.rps);
  EXPECT_GT(found.high_rps, found.rps);
}

}  // namespace
}  // namespace assay::load
