#include "lab/judge/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace assay::judge {
namespace {

using model::finding;
using testing::Contains;
using testing::HasSubstr;

model::plan two_candidates() {
  model::plan plan;
  plan.reference = "base";
  plan.candidates.resize(2);
  plan.candidates[0].name = "base";
  plan.candidates[1].name = "other";
  plan.candidates[1].title = "The other";
  plan.candidates[1].ours = true;
  plan.phases.resize(2);
  plan.phases[0] = {.name = "warm",
                    .kind = model::phase_kind::warm_up,
                    .rate_per_s = 100,
                    .length = std::chrono::seconds(20),
                    .full_length = {},
                    .faults = {}};
  plan.phases[1] = {.name = "steady",
                    .kind = model::phase_kind::steady,
                    .rate_per_s = 100,
                    .length = std::chrono::seconds(20),
                    .full_length = {},
                    .faults = {}};
  return plan;
}

run run_of(const std::string& candidate, unsigned repeat, double p99, double errors = 0) {
  run made;
  made.candidate = candidate;
  made.repeat = repeat;
  phase_run& phase = made.phases.emplace_back();
  phase.phase = "steady";
  phase.offered_rps = 100;
  phase.offered = 2000;
  phase.metrics.values = {{"response_p50_ms", p99 / 10},
                          {"response_p90_ms", p99 / 2},
                          {"response_p99_ms", p99},
                          {"error_share", errors},
                          {"goodput_rps", 100 * (1 - errors)}};
  made.whole.values = {{"start_up_s", 1.0 + repeat}, {"recovery_s", 0}};
  return made;
}

std::vector<run> runs_of_both(double factor, double errors = 0) {
  std::vector<run> runs;
  for (unsigned repeat = 1; repeat <= 3; ++repeat) {
    runs.push_back(run_of("base", repeat, 50 + repeat));
    runs.push_back(run_of("other", repeat, factor * (50 + repeat), errors));
  }
  return runs;
}

const model::metric_comparison& primary_of(const model::comparison& of) {
  const auto found = std::ranges::find(of.comparisons, true, &model::metric_comparison::primary);
  EXPECT_NE(found, of.comparisons.end());
  return *found;
}

const model::metric_summary& summary_of(const model::comparison& of, const std::string& candidate, const char* metric) {
  for (const auto& each : of.metrics) {
    if (each.candidate == candidate && each.metric == metric) return each;
  }
  ADD_FAILURE() << metric;
  return of.metrics.front();
}

TEST(compare, the_primary_metric_is_fixed_by_the_plan) {
  model::plan plan = two_candidates();
  const auto metric = [&](double rate) {
    plan.phases[1].rate_per_s = rate;
    return primary_metric(plan, plan.phases[1]).value_or("none");
  };
  plan.arrivals = model::arrival_law::constant;
  EXPECT_EQ(metric(50), "response_p99_ms");
  EXPECT_EQ(metric(49), "response_p90_ms");
  EXPECT_EQ(metric(5), "response_p90_ms");
  EXPECT_EQ(metric(4), "none");
  plan.arrivals = model::arrival_law::poisson;
  EXPECT_EQ(metric(50), "response_p90_ms") << "half of the runs would have fewer";
  EXPECT_EQ(metric(55), "response_p99_ms");
}

TEST(compare, says_what_differs_and_what_does_not) {
  const auto plan = two_candidates();
  EXPECT_EQ(primary_of(compare(plan, runs_of_both(3))).verdict, finding::worse);
  EXPECT_EQ(primary_of(compare(plan, runs_of_both(0.3))).verdict, finding::better);
  EXPECT_EQ(primary_of(compare(plan, runs_of_both(1))).verdict, finding::equivalent);
  const auto judged = compare(plan, runs_of_both(3));
  EXPECT_EQ(primary_of(judged).metric, "response_p99_ms");
  EXPECT_EQ(primary_of(judged).reference, "base");
  EXPECT_NEAR(primary_of(judged).ratio->value, 3, 1e-9);
  EXPECT_EQ(judged.candidates[1].title, "The other");
  EXPECT_TRUE(judged.candidates[1].ours);
  for (const auto& each : judged.comparisons) EXPECT_NE(each.phase, "warm");
}

TEST(compare, only_complete_runs_enter) {
  const auto plan = two_candidates();
  auto runs = runs_of_both(1);
  runs.push_back(run_of("other", 4, 1e6));
  runs.back().state = model::trial_state::invalid;
  runs.back().reasons = {"the generator was late"};
  runs.push_back(run_of("other", 5, 1e6));
  runs.back().state = model::trial_state::failed;
  const auto judged = compare(plan, runs);
  EXPECT_EQ(primary_of(judged).verdict, finding::equivalent);
  EXPECT_EQ(judged.candidates[1].complete, 3u);
  EXPECT_EQ(judged.candidates[1].invalid, 1u);
  EXPECT_EQ(judged.candidates[1].failed, 1u);
  EXPECT_THAT(judged.candidates[1].remarks, Contains("run 4 (invalid): the generator was late"));
  EXPECT_THAT(judged.anomalies, Contains("other, run 4: invalid: the generator was late"));
  EXPECT_EQ(summary_of(judged, "other", "response_p99_ms").runs.size(), 3u);
}

TEST(compare, who_fails_more_is_not_called_better) {
  const auto judged = compare(two_candidates(), runs_of_both(0.3, 0.2));
  EXPECT_EQ(primary_of(judged).verdict, finding::inconclusive);
  EXPECT_THAT(primary_of(judged).why, HasSubstr("20.0 % of the requests against 0.0 %"));
  EXPECT_THAT(judged.anomalies, Contains(HasSubstr("other, steady: the offered load was not met in 3 of 3 runs")));
}

TEST(compare, who_fails_more_is_not_called_as_good) {
  // Both at the time limit: one with hardly a request, the other with half of them.
  const auto judged = compare(two_candidates(), runs_of_both(1, 0.5));
  EXPECT_EQ(primary_of(judged).verdict, finding::inconclusive);
  EXPECT_THAT(primary_of(judged).why, HasSubstr("they look alike, but one fails more: 50.0 % of the requests"));
}

TEST(compare, recovery_is_not_that_of_the_good_runs_alone) {
  auto runs = runs_of_both(1);
  runs.back().had_fault = true;
  runs.back().whole.values.erase("recovery_s");
  runs.back().whole.why_not["recovery_s"] = "it did not come back while it was watched";
  const auto judged = compare(two_candidates(), runs);
  const auto& recovery = summary_of(judged, "other", "recovery_s");
  EXPECT_FALSE(recovery.over_runs);
  EXPECT_EQ(recovery.runs.size(), 2u);
  EXPECT_EQ(recovery.why_not, "run 3: it did not come back while it was watched");
  EXPECT_TRUE(summary_of(judged, "base", "recovery_s").over_runs);
}

TEST(compare, a_run_without_the_value_is_not_left_out_in_silence) {
  auto runs = runs_of_both(0.3);
  runs.back().phases[0].metrics.values.erase("response_p99_ms");
  runs.back().phases[0].metrics.why_not["response_p99_ms"] = "7 answers were timed, 1000 are needed";
  const auto judged = compare(two_candidates(), runs);
  EXPECT_EQ(primary_of(judged).verdict, finding::not_estimable);
  EXPECT_EQ(primary_of(judged).why, "other, run 3: 7 answers were timed, 1000 are needed");
}

TEST(compare, intervals_are_whole_and_finite) {
  const auto judged = compare(two_candidates(), runs_of_both(1));
  const auto& errors = summary_of(judged, "other", "error_share");
  EXPECT_EQ(errors.over_runs->value, 0);
  EXPECT_GT(errors.over_runs->high, 0) << "no error seen is not no error possible";
  EXPECT_EQ(summary_of(judged, "other", "recovery_s").over_runs->high, 0);
  for (const auto& each : judged.metrics) {
    if (!each.over_runs) {
      EXPECT_FALSE(each.why_not.empty()) << each.metric;
      continue;
    }
    EXPECT_TRUE(std::isfinite(each.over_runs->low) && std::isfinite(each.over_runs->high)) << each.metric;
    EXPECT_LE(each.over_runs->low, each.over_runs->value);
    EXPECT_LE(each.over_runs->value, each.over_runs->high);
    EXPECT_EQ(each.over_runs->n, each.runs.size());
  }
}

// Of other tools: one has the best of three runs in its table, and no word of how far they lie apart.
TEST(defect, the_best_of_the_runs_stands_for_none_of_them) {
  const auto plan = two_candidates();
  const auto runs_with = [](const std::vector<double>& of_other) {
    std::vector<run> runs;
    for (unsigned i = 0; i < of_other.size(); ++i) {
      runs.push_back(run_of("base", i + 1, 50 + i));
      runs.push_back(run_of("other", i + 1, of_other[i]));
    }
    return runs;
  };
  // By its best run it would be twice as good as any of the other's; by all of them nobody knows.
  const auto lucky = compare(plan, runs_with({25, 80, 78}));
  EXPECT_EQ(primary_of(lucky).verdict, finding::inconclusive) << primary_of(lucky).why;
  const model::metric_summary& seen = summary_of(lucky, "other", "response_p99_ms");
  EXPECT_EQ(seen.runs, (std::vector<double>{25, 80, 78})) << "each of them is told";
  EXPECT_NEAR(seen.over_runs->value, std::cbrt(25.0 * 80 * 78), 1e-9);
  EXPECT_LT(seen.over_runs->low, 25);
  EXPECT_GT(seen.over_runs->high, 80) << "an interval that has room for every run";
  // A best run that is better still makes nothing better but the interval wider; and one alone saves nobody.
  const auto luckier = compare(plan, runs_with({5, 80, 78}));
  EXPECT_EQ(primary_of(luckier).verdict, finding::inconclusive);
  EXPECT_GT(summary_of(luckier, "other", "response_p99_ms").over_runs->high, seen.over_runs->high);
  EXPECT_EQ(primary_of(compare(plan, runs_with({150, 155, 149}))).verdict, finding::worse);
  EXPECT_EQ(primary_of(compare(plan, runs_with({150, 155, 49}))).verdict, finding::inconclusive)
      << "once as good as the other is always";
}

TEST(compare, one_run_or_none_is_said) {
  const auto plan = two_candidates();
  EXPECT_EQ(primary_of(compare(plan, std::span<const run>())).verdict, finding::not_estimable);
  const std::vector<run> one{run_of("base", 1, 50), run_of("other", 1, 50)};
  const auto judged = compare(plan, one);
  EXPECT_EQ(primary_of(judged).verdict, finding::not_estimable);
  EXPECT_EQ(summary_of(judged, "other", "response_p99_ms").why_not, "1 complete run: an interval needs two");
}

TEST(compare, lists_what_is_unlike) {
  auto runs = runs_of_both(1);
  for (run& each : runs) {
    if (each.candidate == "other" && each.repeat == 2) each.phases[0].metrics.values["response_p99_ms"] = 1260;
  }
  runs[0].state = model::trial_state::failed;
  runs[0].reasons = {"it exited with 7", "writes and rows differ: 2 acknowledged and not stored (a, b)"};
  runs[1].had_fault = true;
  runs[1].whole.values.erase("recovery_s");
  const auto judged = compare(two_candidates(), runs);
  EXPECT_THAT(
      judged.anomalies,
      Contains(HasSubstr("other, steady: run 2 is unlike its siblings: p99 response time 1260 ms against 52 ms")));
  EXPECT_THAT(
      judged.anomalies,
      Contains("base, run 1: failed: it exited with 7; writes and rows differ: 2 acknowledged and not stored (a, b)"));
  EXPECT_THAT(judged.anomalies, Contains(HasSubstr("other, run 1: did not recover")));
}

}  // namespace
}  // namespace assay::judge
