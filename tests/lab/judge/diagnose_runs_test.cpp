#include "lab/judge/diagnose_runs.hpp"

#include <gtest/gtest.h>

#include <array>

namespace assay::judge {
namespace {

using model::cause;

std::vector<run> runs_with(const std::vector<std::vector<cause>>& found) {
  std::vector<run> runs;
  for (const auto& kinds : found) {
    run& made = runs.emplace_back();
    made.repeat = static_cast<unsigned>(runs.size());
    made.diagnosed = {.verdict = kinds.empty() ? cause::healthy : kinds.front(), .phase = "steady"};
    for (const cause kind : kinds) {
      model::named_cause each{.kind = kind, .call = "recv", .text = "it was held", .next = "Await it."};
      each.numbers = {{"blocked_s", std::array{5.0, 9.0, 7.0}.at((runs.size() - 1) % 3)}};
      made.diagnosed.findings.push_back(each);
    }
  }
  return runs;
}

model::candidate_diagnosis over(const std::vector<run>& runs) {
  std::vector<const run*> complete;
  for (const run& each : runs) complete.push_back(&each);
  return diagnose_runs(complete);
}

TEST(diagnose_runs, that_agree_have_one_verdict_with_the_figures_of_the_middle_one) {
  const auto made = over(runs_with({{cause::blocking_call}, {cause::blocking_call}, {cause::blocking_call}}));
  EXPECT_EQ(made.verdict, cause::blocking_call);
  EXPECT_EQ(made.phase, "steady");
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].runs, 3U);
  EXPECT_EQ(made.findings[0].run, 3U) << "7, between 5 and 9";
  EXPECT_DOUBLE_EQ(made.findings[0].what.numbers.front().value, 7);
  EXPECT_EQ(made.text, "it was held; in all 3 runs, figures of run 3");
  EXPECT_EQ(over(runs_with({{}, {}, {}})).text, "nothing that is looked for was found, in all 3 runs");
}

TEST(diagnose_runs, one_odd_run_is_a_remark_half_of_them_are_the_verdict) {
  const auto odd = over(runs_with({{}, {cause::waiting_for_cpu}, {}}));
  EXPECT_EQ(odd.verdict, cause::healthy);
  EXPECT_EQ(odd.agreeing, 2U);
  EXPECT_TRUE(odd.findings.empty());
  ASSERT_EQ(odd.remarks.size(), 1U);
  EXPECT_EQ(odd.remarks[0], "waiting for cpu, in 1 of 3 runs, figures of run 2: it was held");
  const auto half = over(runs_with({{}, {cause::blocking_call}}));
  EXPECT_EQ(half.verdict, cause::blocking_call) << "as with freezes";
}

TEST(diagnose_runs, several_causes_or_runs_that_do_not_agree_are_mixed) {
  const auto several = over(runs_with({{cause::blocking_call, cause::cpu_bound}, {cause::blocking_call}}));
  EXPECT_EQ(several.verdict, cause::mixed);
  EXPECT_EQ(several.text, "blocking call in all 2 runs, cpu bound in 1 of 2 runs");
  const auto unlike = over(runs_with({{cause::blocking_call}, {cause::cpu_bound}, {cause::memory_leak}}));
  EXPECT_EQ(unlike.verdict, cause::mixed);
  EXPECT_EQ(unlike.findings.size(), 3U);
}

TEST(diagnose_runs, that_saw_too_little_do_not_count) {
  auto runs = runs_with({{cause::cpu_bound}, {}});
  runs[1].diagnosed.verdict = cause::not_enough_data;
  runs[1].diagnosed.text = "it was idle";
  const auto made = over(runs);
  EXPECT_EQ(made.verdict, cause::cpu_bound);
  EXPECT_EQ(made.judged, 1U);
  EXPECT_EQ(made.remarks, std::vector<std::string>{"not enough data in run 2: it was idle"});
  runs.erase(runs.begin());
  EXPECT_EQ(over(runs).verdict, cause::not_enough_data);
  EXPECT_EQ(over(runs).text, "in no run was enough seen; run 2: it was idle");
  EXPECT_EQ(over({}).text, "no run of it was complete");
}

// Calls that block are found however short the steady phase was: such a run must not outvote those without.
TEST(diagnose_runs, one_call_among_runs_that_saw_too_little_is_a_remark) {
  auto runs = runs_with({{cause::blocking_call}, {}, {}, {}, {}});
  for (std::size_t i = 1; i < runs.size(); ++i) runs[i].diagnosed.verdict = cause::not_enough_data;
  runs[0].diagnosed.findings.front().call = "fsync";
  const auto made = over(runs);
  EXPECT_EQ(made.verdict, cause::not_enough_data);
  ASSERT_FALSE(made.remarks.empty());
  EXPECT_TRUE(made.remarks.front().starts_with("blocking call, in run 1 of 5: ")) << made.remarks.front();
}

TEST(diagnose_runs, the_collector_is_one_cause_wherever_it_strikes) {
  auto runs = runs_with({{cause::garbage_collection}, {cause::garbage_collection}, {cause::garbage_collection}});
  for (std::size_t i = 0; i < runs.size(); ++i) {
    runs[i].diagnosed.findings.front().place = "app.py:" + std::to_string(i);
  }
  const auto made = over(runs);
  EXPECT_EQ(made.verdict, cause::garbage_collection);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].runs, 3U);
}

}  // namespace
}  // namespace assay::judge
