// Where one service overtakes another, of runs that are made up.
#include "lab/judge/crossover.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay::judge {
namespace {

using model::crossover_outcome;
using model::crossover_result;
using model::finding;

// Levels 1, 2, 4, ...; of each the ratio of B's throughput to A's. A does 1000 a second at every level.
crossover_result swept(const std::vector<double>& ratios, double spread = 0.01) {
  crossover_result of{.repeats = 5};
  unsigned connections = 1;
  for (const double ratio : ratios) {
    model::crossover_level level{.connections = connections};
    for (const double shaken : {1 - spread, 1.0, 1 + spread, 1 - spread / 2, 1 + spread / 2}) {
      level.sides[0].good_rps.push_back(1000 * shaken);
      level.sides[1].good_rps.push_back(1000 * ratio * shaken);
      level.sides[0].p99_ms.push_back(10 * shaken);
      level.sides[1].p99_ms.push_back(10 / ratio * shaken);
    }
    of.levels.push_back(level);
    connections *= 2;
  }
  return of;
}

crossover_result judged(crossover_result of) {
  judge_crossover(of);
  return of;
}

TEST(crossover, is_where_it_is_better_from_one_level_on) {
  const crossover_result of = judged(swept({0.7, 0.9, 1.0, 1.4, 2.0}));
  EXPECT_EQ(of.outcome, crossover_outcome::crosses);
  EXPECT_EQ(of.better_from, 8U);
  EXPECT_EQ(of.not_better_until, 4U);
  EXPECT_EQ(of.levels[0].throughput.verdict, finding::worse);
  EXPECT_EQ(of.levels[2].throughput.verdict, finding::equivalent);
  EXPECT_EQ(of.levels[4].throughput.verdict, finding::better);
  EXPECT_EQ(of.levels[4].p99.verdict, finding::better);
  EXPECT_NEAR(of.levels[4].throughput.ratio->value, 2, 1e-9);
  ASSERT_TRUE(of.levels[0].sides[0].throughput);
  EXPECT_NEAR(of.levels[0].sides[0].throughput->value, 1000, 1);
  EXPECT_LT(of.levels[0].sides[0].throughput->low, 995);
  EXPECT_EQ(of.levels[0].sides[0].throughput->n, 5U);
}

TEST(crossover, is_none_where_one_is_better_throughout) {
  const crossover_result always = judged(swept({1.5, 1.4, 1.3}));
  EXPECT_EQ(always.outcome, crossover_outcome::always);
  EXPECT_EQ(always.better_from, 1U);
  EXPECT_EQ(judged(swept({0.7, 0.8, 0.9})).outcome, crossover_outcome::never);
  EXPECT_EQ(judged(swept({1.5, 1.4, 1.0})).outcome, crossover_outcome::never) << "what counts is where it ends";
}

TEST(crossover, is_inconclusive_where_the_runs_do_not_tell) {
  EXPECT_EQ(judged(swept({0.7, 1.1}, 0.3)).outcome, crossover_outcome::inconclusive);
  // Better at the end, and nothing is certain of what lies below.
  crossover_result of = swept({1.0, 1.5});
  of.levels[0].sides[1].good_rps.resize(1);
  of = judged(std::move(of));
  EXPECT_EQ(of.outcome, crossover_outcome::inconclusive);
  EXPECT_EQ(of.better_from, 2U);
  EXPECT_FALSE(of.not_better_until);
  EXPECT_EQ(of.levels[0].throughput.verdict, finding::not_estimable);
  EXPECT_FALSE(of.levels[0].sides[1].throughput);
  EXPECT_EQ(judged({}).outcome, crossover_outcome::inconclusive);
}

TEST(crossover, passes_over_a_level_that_is_undecided_down_to_one_that_is_not) {
  crossover_result of = swept({0.7, 1.0, 1.5});
  of.levels[1].sides[0].good_rps = {500, 2000, 800, 1200, 1000};
  of = judged(std::move(of));
  EXPECT_EQ(of.outcome, crossover_outcome::crosses);
  EXPECT_EQ(of.better_from, 4U);
  EXPECT_EQ(of.not_better_until, 1U) << "somewhere between 1 and 4";
}

}  // namespace
}  // namespace assay::judge
