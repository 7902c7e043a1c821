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

}  // namespace
}  // namespace assay::report
