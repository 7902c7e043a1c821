// What is found in runs whose state is known, and how often something is found where there is nothing.
#include "lab/load/steady_state.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace assay::load {
namespace {

constexpr std::size_t parts = 32;
constexpr double part_s = 0.5;

std::vector<double> made_of(const std::function<double(std::size_t)>& each) {
  std::vector<double> logs;
  for (std::size_t i = 0; i < parts; ++i) logs.push_back(each(i));
  return logs;
}

TEST(steady_state, a_constant_is_steady_from_the_start) {
  const model::steadiness seen = steadiness_of_series(made_of([](std::size_t) { return 3.0; }), part_s);
  EXPECT_EQ(seen.from_s, 0);
  EXPECT_FALSE(seen.drift);
}

TEST(steady_state, a_slow_begin_is_told_apart) {
  std::mt19937_64 draw(1);
  std::normal_distribution<double> noise(0, 0.05);
  const auto cold = [&](std::size_t i) { return noise(draw) + (i < 5 ? std::log(4.0) : 0); };
  const model::steadiness seen = steadiness_of_series(made_of(cold), part_s);
  EXPECT_NEAR(seen.from_s, 5 * part_s, part_s);
  EXPECT_NEAR(seen.before, 4, 0.8);
  EXPECT_FALSE(seen.drift);
}

TEST(steady_state, a_queue_that_grows_is_no_steady_state) {
  const auto grows = [](std::size_t i) { return std::log(1 + static_cast<double>(i)); };
  const model::steadiness seen = steadiness_of_series(made_of(grows), part_s);
  ASSERT_TRUE(seen.drift);
  EXPECT_GT(*seen.drift, 5);
  std::mt19937_64 draw(2);
  std::normal_distribution<double> noise(0, 0.05);
  const auto falls = [&](std::size_t i) { return noise(draw) - 0.02 * static_cast<double>(i); };
  const model::steadiness warming = steadiness_of_series(made_of(falls), part_s);
  ASSERT_TRUE(warming.drift);
  EXPECT_NEAR(*warming.drift, std::exp(-0.02 * (parts - 1)), 0.1);
}

TEST(steady_state, a_tenth_is_no_other_state) {
  const auto nearly = [](std::size_t i) { return (i < 5 ? 0.09 : 0) + 0.0001 * static_cast<double>(i % 3); };
  EXPECT_EQ(steadiness_of_series(made_of(nearly), part_s).from_s, 0);
  const auto drifts = [](std::size_t i) { return 0.09 * static_cast<double>(i) / (parts - 1); };
  EXPECT_FALSE(steadiness_of_series(made_of(drifts), part_s).drift);
}

// Parts that follow each other are alike in most services: neither is that a drift.
TEST(steady_state, of_nothing_little_is_found) {
  constexpr int runs = 2000;
  std::mt19937_64 draw(3);
  std::normal_distribution<double> normal;
  for (const double alike : {0.0, 0.3, 0.5}) {
    int found = 0;
    for (int run = 0; run < runs; ++run) {
      double state = normal(draw);
      const model::steadiness seen =
          steadiness_of_series(made_of([&](std::size_t) {
                                 state = alike * state + std::sqrt(1 - alike * alike) * normal(draw);
                                 return 0.3 * state;
                               }),
                               part_s);
      found += seen.from_s > 0 || seen.drift.has_value();
    }
    EXPECT_LE(found, runs / 50) << alike;
  }
}

TEST(steady_state, few_response_times_tell_nothing) {
  std::vector<observe::histogram> few(parts, observe::histogram::with_defaults());
  for (observe::histogram& each : few) each.record(1'000'000, least_in_a_part);
  EXPECT_TRUE(steadiness_of(few, part_s));
  few[7] = observe::histogram::with_defaults();
  EXPECT_FALSE(steadiness_of(few, part_s));
  EXPECT_FALSE(steadiness_of(std::span(few).first(7), part_s)) << "of so few parts";
}

// The median says nothing of a cache that only every fifth request misses.
TEST(steady_state, the_tail_has_a_begin_of_its_own) {
  std::vector<observe::histogram> seen(parts, observe::histogram::with_defaults());
  for (std::size_t i = 0; i < parts; ++i) {
    seen[i].record(1'000'000, 80);
    seen[i].record(i < 4 ? 50'000'000 : 2'000'000, 20);
  }
  const auto found = steadiness_of(seen, part_s);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->from_s, 4 * part_s);
  EXPECT_NEAR(found->before, 25, 1);
}

}  // namespace
}  // namespace assay::load
