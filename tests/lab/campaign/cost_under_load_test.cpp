#include "lab/campaign/cost_under_load.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace assay::campaign {
namespace {

TEST(cost_under_load, is_the_ratio_of_what_an_answer_takes) {
  std::vector<cost_pair> pairs(least_load_pairs,
                               {.off_cpu_ns = 100, .off_answers = 10, .on_cpu_ns = 303, .on_answers = 30});
  const auto found = cost_of(pairs);
  ASSERT_TRUE(found) << found.error();
  EXPECT_NEAR(found->value, 0.01, 1e-12) << "more was answered, not more slowly";
  EXPECT_NEAR(found->low, 0.01, 1e-5);
  EXPECT_NEAR(found->high, 0.01, 1e-5);
  EXPECT_EQ(found->n, least_load_pairs);
  EXPECT_EQ(describe_cost({.value = 0.0102, .low = 0.004, .high = 0.0161, .n = 113}),
            "1.02 % [0.40, 1.61] more CPU time an answer, 113 pairs of off and on in it under its own load");
}

TEST(cost_under_load, is_none_of_a_few_pairs_or_of_one_that_answers_nothing) {
  std::vector<cost_pair> pairs(least_load_pairs - 1, {1, 1, 1, 1});
  EXPECT_EQ(cost_of(pairs).error(), "39 pairs were measured, 40 are needed");
  pairs.assign(least_load_pairs, {.off_cpu_ns = 5, .off_answers = 1, .on_cpu_ns = 5, .on_answers = 0});
  EXPECT_EQ(cost_of(pairs).error(), "it answered nothing meanwhile");
}

// Arrivals by chance, requests of uneven length, and what lasts beyond a stretch: a host that is slower for a while.
cost_pair pair_by_chance(std::mt19937_64& random, double speed, double cost) {
  std::poisson_distribution<int> arrivals(8);
  std::gamma_distribution<double> takes(2.0, 25'000.0);
  cost_pair made;
  made.off_answers = arrivals(random);
  made.on_answers = arrivals(random);
  for (int i = 0; i < made.off_answers; ++i) made.off_cpu_ns += takes(random) * speed;
  for (int i = 0; i < made.on_answers; ++i) made.on_cpu_ns += takes(random) * speed * (1 + cost);
  return made;
}

TEST(cost_under_load, its_interval_covers_the_truth_as_often_as_it_says) {
  constexpr int rounds = 4000;
  constexpr double cost = 0.02;
  std::mt19937_64 random(11);
  std::normal_distribution<double> of_host(0, 0.1);
  int covered = 0;
  double widths = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<cost_pair> pairs;
    double speed = 1;
    for (int i = 0; i < 110; ++i) {
      if (i % 10 == 0) speed = std::exp(of_host(random));
      pairs.push_back(pair_by_chance(random, speed, cost));
    }
    const auto found = cost_of(pairs);
    ASSERT_TRUE(found);
    covered += found->low <= cost && cost <= found->high;
    widths += found->high - found->low;
  }
  const double share = static_cast<double>(covered) / rounds;
  fmt::print("covered {:.3f}, {:.3f} wide\n", share, widths / rounds);
  EXPECT_GT(share, 0.93);
  EXPECT_LT(share, 0.97);
}

TEST(cost_under_load, a_warm_up_that_is_missing_or_short_is_told_and_waits_for_nothing) {
  const std::vector<model::phase> phases{
      {.name = "a", .kind = model::phase_kind::warm_up, .length = std::chrono::seconds(1)}};
  cost_under_load cost("/nowhere", phases, [] { return 0; });
  cost.set_clock(instant{});
  EXPECT_EQ(cost.finish().error(), "the warm-up is too short for 40 pairs");
  cost_under_load without("/nowhere", {}, [] { return 0; });
  EXPECT_EQ(without.finish().error(), "0 pairs were measured, 40 are needed") << "nobody has set the clock";
}

}  // namespace
}  // namespace assay::campaign
