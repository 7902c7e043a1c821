#include "lab/report/plan_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::report {
namespace {

TEST(plan_text, says_what_the_repeats_will_tell_apart) {
  model::forecast made;
  made.margin = 0.1;
  made.differences = {
      {.assumed_log_sd = 0.05, .alone = 0.117, .family = 0.176, .found_alone = 0.291, .found_family = 0.374}};
  const std::string text = plan_text(model::plan{}, made);
  EXPECT_THAT(text, testing::HasSubstr("if runs spread by 5 %: +-12 %"));
  EXPECT_THAT(text, testing::HasSubstr("a p99 that is 29 % longer is found four times of five, 37 % beside all"));
  EXPECT_THAT(text, testing::HasSubstr("Differences below 10 % do not matter"));
}

TEST(plan_text, lists_background_tasks) {
  model::plan plan;
  model::background_task& task = plan.background.emplace_back();
  task.name = "warm-cache";
  task.every = std::chrono::minutes(5);
  task.method = "POST";
  task.target = "/warm";
  task.phases = {"soak"};
  model::forecast made;
  made.background_times = {48};
  EXPECT_THAT(plan_text(plan, made),
              testing::HasSubstr("  warm-cache          every 5m, 48 times a trial: POST /warm, in soak\n"));
  made.background_times = {0};
  EXPECT_THAT(plan_text(plan, made), testing::HasSubstr("every 5m, never in so short a trial: POST /warm, in soak\n"));
}

TEST(plan_text, says_what_the_rate_does_that_is_not_even) {
  model::plan plan;
  plan.phases = {{.name = "day", .rate_per_s = 10, .length = std::chrono::seconds(240)},
                 {.name = "even", .rate_per_s = 10, .length = std::chrono::seconds(240)}};
  model::forecast made;
  made.courses = {
      {.phase = "day", .parts = 24, .least_per_s = 2.5, .most_per_s = 18, .dispersion = {{1, 2.25}, {10, 7.0}}}};
  EXPECT_THAT(
      plan_text(plan, made),
      testing::HasSubstr("    2.5/s to 18/s in 24 parts one after the other; bursts: the counts vary 2.25 at 1 s, "
                         "7 at 10 s times as much as Poisson arrivals\n  even "));
  made.courses = {{.phase = "even", .too_short = true}};
  EXPECT_THAT(plan_text(plan, made), testing::HasSubstr("bursts, of which so short a phase shows few\n"));
}

}  // namespace
}  // namespace assay::report
