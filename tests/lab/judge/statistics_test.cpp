#include "lab/judge/statistics.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "lab/judge/verdict.hpp"
#include "lab/model/holm.hpp"

namespace assay::judge {
namespace {

// Student's sleep data (Biometrika 6, 1908), as R's t.test(extra ~ group, data = sleep) prints them.
const std::vector<double> sleep_one{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
const std::vector<double> sleep_two{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};

TEST(statistics, welch_agrees_with_published_numbers) {
  const welch_comparison of = welch(sleep_one, sleep_two, 0);
  EXPECT_NEAR(of.difference / of.standard_error, -1.8608, 5e-5);
  EXPECT_NEAR(of.degrees, 17.776, 5e-4);
  EXPECT_NEAR(of.p_beyond(0), 0.07939, 5e-6);
  EXPECT_NEAR(of.difference - of.half_width(0.95), -3.3654832, 5e-7);
  EXPECT_NEAR(of.difference + of.half_width(0.95), 0.2054832, 5e-7);
}

TEST(statistics, interval_of_the_mean_agrees_with_published_numbers) {
  // t.test(sleep$extra[11:20])
  const model::estimate of = mean_interval(sleep_two, 0.95, 0);
  EXPECT_NEAR(of.value, 2.33, 1e-12);
  EXPECT_NEAR(of.low, 0.8976775, 5e-7);
  EXPECT_NEAR(of.high, 3.7623225, 5e-7);
  EXPECT_EQ(of.n, 10u);
}

TEST(statistics, holm_agrees_with_published_numbers) {
  // The example of the method's textbooks: 0.01, 0.04, 0.03, 0.005 at 5 %.
  const std::vector<double> adjusted = model::holm(std::vector{0.01, 0.04, 0.03, 0.005});
  const std::vector<double> expected{0.03, 0.06, 0.06, 0.02};
  ASSERT_EQ(adjusted.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(adjusted[i], expected[i], 1e-12);
  EXPECT_TRUE(model::holm({}).empty());
  EXPECT_EQ(model::holm(std::vector{0.7, 0.9}), (std::vector{1.0, 1.0}));
}

TEST(statistics, p_below_alpha_is_an_interval_beyond_the_margin) {
  for (double shift = 0; shift < 6; shift += 0.05) {
    std::vector<double> moved = sleep_two;
    for (double& each : moved) each += shift;
    const welch_comparison of = welch(moved, sleep_one, 0);
    for (const double margin : {0.0, 0.5, 2.0}) {
      EXPECT_EQ(of.p_beyond(margin) < 0.05, of.difference - of.half_width(0.95) > margin) << shift << " " << margin;
    }
  }
}

TEST(statistics, equal_values_are_finite) {
  const std::vector<double> same{2, 2, 2};
  const std::vector<double> other{3, 3, 3};
  for (const double floor : {0.0, 0.001}) {
    for (const auto& each : {same, other}) {
      const welch_comparison of = welch(each, same, floor);
      EXPECT_TRUE(std::isfinite(of.degrees) && std::isfinite(of.half_width(0.95)));
      EXPECT_EQ(of.p_beyond(0.1) < 0.05, each == other);
      EXPECT_TRUE(std::isfinite(mean_interval(each, 0.95, floor).high));
    }
  }
  EXPECT_GT(mean_interval(same, 0.95, 0.001).high, 2);
}

hypothesis with(std::vector<double> candidate, std::vector<double> reference, bool lower_is_better = true) {
  hypothesis made;
  made.comparison.margin = 0.1;
  made.candidate_runs = std::move(candidate);
  made.reference_runs = std::move(reference);
  made.lower_is_better = lower_is_better;
  return made;
}

model::metric_comparison alone(hypothesis of) {
  std::vector family{std::move(of)};
  judge_family(family, 0.05, 0.95);
  return family[0].comparison;
}

TEST(verdict, has_a_word_for_each_case) {
  using model::finding;
  EXPECT_EQ(alone(with({200, 210, 190}, {100, 105, 95})).verdict, finding::worse);
  EXPECT_EQ(alone(with({100, 105, 95}, {200, 210, 190})).verdict, finding::better);
  EXPECT_EQ(alone(with({200, 210, 190}, {100, 105, 95}, false)).verdict, finding::better);
  EXPECT_EQ(alone(with({100, 101, 99}, {100, 101, 99})).verdict, finding::equivalent);
  EXPECT_EQ(alone(with({100, 150, 70}, {100, 140, 80})).verdict, finding::inconclusive);
  EXPECT_EQ(alone(with({100}, {100, 140, 80})).verdict, finding::not_estimable);
  EXPECT_EQ(alone(with({0, 1, 1}, {1, 1, 1})).verdict, finding::not_estimable);
  // Certain, and too small to be of interest.
  EXPECT_EQ(alone(with({104, 104.1, 103.9}, {100, 100.1, 99.9})).verdict, finding::equivalent);
  // All at the time limit.
  EXPECT_EQ(alone(with({5000, 5000, 5000}, {100, 110, 90})).verdict, finding::worse);
  EXPECT_EQ(alone(with({5000, 5000}, {5000, 5000})).verdict, finding::equivalent);
}

TEST(verdict, exchanging_the_two_exchanges_the_words) {
  const auto there = alone(with({200, 230, 190}, {100, 105, 95}));
  const auto back = alone(with({100, 105, 95}, {200, 230, 190}));
  EXPECT_EQ(there.verdict, model::finding::worse);
  EXPECT_EQ(back.verdict, model::finding::better);
  EXPECT_NEAR(there.ratio->value * back.ratio->value, 1, 1e-12);
  EXPECT_NEAR(there.ratio->low * back.ratio->high, 1, 1e-12);
  EXPECT_NEAR(*there.p_value, *back.p_value, 1e-12);
}

TEST(verdict, a_larger_family_asks_for_more) {
  const hypothesis clear = with({125, 129, 121}, {100, 103, 97});
  EXPECT_EQ(alone(clear).verdict, model::finding::worse);
  std::vector<hypothesis> family(30, with({100, 150, 70}, {100, 140, 80}));
  family.push_back(clear);
  judge_family(family, 0.05, 0.95);
  EXPECT_EQ(family.back().comparison.verdict, model::finding::inconclusive);
  EXPECT_NE(family.back().comparison.why.find("not after the correction"), std::string::npos);
  EXPECT_NE(family.back().comparison.why.find("more run"), std::string::npos);
}

// The number in "needs about 4 more runs".
int runs_asked_for(const model::metric_comparison& of) {
  const auto at = of.why.find("about ");
  int asked = -1;
  if (at != std::string::npos) std::from_chars(of.why.data() + at + 6, of.why.data() + of.why.size(), asked);
  return asked;
}

TEST(verdict, asks_for_the_runs_that_decide) {
  // Of two runs Student's factor is 4 to 13, of four it is 3: most of the width goes with it, not with the root of n.
  const auto of_two = alone(with({200, 280}, {100, 140}));
  EXPECT_EQ(of_two.verdict, model::finding::inconclusive);
  EXPECT_GE(runs_asked_for(of_two), 1);
  EXPECT_LE(runs_asked_for(of_two), 3) << of_two.why;
  // The same runs again, as many as were asked for, decide; also in a family.
  const hypothesis open = with({200, 240, 170}, {100, 120, 85});
  std::vector<hypothesis> family(12, with({}, {}));
  family.push_back(open);
  judge_family(family, 0.05, 0.95);
  const int asked = runs_asked_for(family.back().comparison);
  ASSERT_GE(asked, 1) << family.back().comparison.why;
  EXPECT_LE(asked, 6) << family.back().comparison.why;
  hypothesis more = open;
  for (int i = 0; i < asked; ++i) {
    more.candidate_runs.push_back(open.candidate_runs[static_cast<std::size_t>(i) % 3]);
    more.reference_runs.push_back(open.reference_runs[static_cast<std::size_t>(i) % 3]);
  }
  family.back() = more;
  judge_family(family, 0.05, 0.95);
  EXPECT_EQ(family.back().comparison.verdict, model::finding::worse) << family.back().comparison.why;
}

TEST(verdict, what_cannot_be_tested_still_counts_in_the_family) {
  const hypothesis clear = with({125, 129, 121}, {100, 103, 97});
  std::vector<hypothesis> family(30, with({}, {}));
  family.push_back(clear);
  judge_family(family, 0.05, 0.95);
  EXPECT_EQ(family.back().comparison.verdict, model::finding::inconclusive);
}

}  // namespace
}  // namespace assay::judge
