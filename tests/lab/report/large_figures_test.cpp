#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/plan_text.hpp"
#include "lab/report/profile_text.hpp"

namespace assay::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Nobody reads "2e+04 requests a second".
TEST(plan_text, rates_have_no_exponent) {
  model::plan plan;
  plan.name = "shop";
  plan.phases = {{.name = "steady",
                  .rate_per_s = 20'000,
                  .length = std::chrono::seconds(10),
                  .full_rate_per_s = 12.5,
                  .full_length = std::chrono::seconds(600)}};
  const std::string text = plan_text(plan, {});
  EXPECT_THAT(text, HasSubstr("   20000/s"));
  EXPECT_THAT(text, HasSubstr("12.5/s for 10m"));
  EXPECT_THAT(text, Not(HasSubstr("e+")));
}

TEST(profile_text, bursts_have_no_exponent) {
  model::profile profile;
  profile.arrival.dispersion = {{1, 3.25}, {60, 1234.5}};
  const std::string text = profile_text(profile);
  EXPECT_THAT(text, HasSubstr("3.25 at 1 s, 1,23"));
  EXPECT_THAT(text, Not(HasSubstr("e+")));
}

}  // namespace
}  // namespace assay::report
