#include "lab/report/findings_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::report {
namespace {

std::string text_of(const model::response_intervals& of) {
  std::string text;
  append_intervals(text, of);
  return text;
}

TEST(findings_text, an_interval_that_is_not_estimable_says_why_and_how_much_longer_a_run_takes) {
  using enum model::untold_reason;
  const std::string text = text_of({.quantiles = {{.quantile = 0.5, .within = {.low_ns = 1e6, .high_ns = 2e6}}},
                                    .untold = {{.why = few_moments, .times_longer = 1.2},
                                               {.quantile = 0.9, .why = long_moments, .times_longer = 2},
                                               {.quantile = 0.95, .why = few_parts, .times_longer = 2},
                                               {.quantile = 0.99, .why = few_moments, .times_longer = 3.5}}});
  const std::string lines =
      "    95 % of mean, p99: not estimable: a few slow moments decide; a run 4 times as long may tell\n"
      "    95 % of p90: not estimable: what is slow stays so for longer than the parts of the run that are compared; a "
      "run "
      "2 times as long may tell\n";
  EXPECT_TRUE(text.ends_with(lines)) << text << "p95 is no column";
}

TEST(findings_text, why_is_told_where_there_is_no_interval_at_all) {
  EXPECT_EQ(
      text_of({.untold = {{.quantile = 0.5, .why = model::untold_reason::few_parts, .times_longer = 1.5}}}),
      "    95 % of p50: not estimable: too few of the parts of the run have answers; a run 2 times as long may tell\n");
  EXPECT_EQ(text_of({}), "");
}

}  // namespace
}  // namespace assay::report
