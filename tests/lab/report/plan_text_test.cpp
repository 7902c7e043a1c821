#include "lab/report/plan_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::report {
namespace {

TEST(plan_text, says_what_the_repeats_will_tell_apart) {
  model::forecast made;
  made.differences = {{.assumed_log_sd = 0.05, .alone = 0.117, .family = 0.176}};
  EXPECT_THAT(plan_text(model::plan{}, made), testing::HasSubstr("if runs spread by 5 %: +-12 %"));
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
