#include "lab/report/comparison_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/lab/decide/decide_test_support.hpp"

namespace assay::report {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(comparison_text, says_the_verdict_first) {
  const std::string text = comparison_text(decide::shop_comparison());
  EXPECT_THAT(text, StartsWith("Verdict\n"));
  EXPECT_THAT(text, HasSubstr("  FastAPI (blocking)           FREEZES; worse in steady"));
  EXPECT_THAT(text, HasSubstr("  C++ on assay's stack (ours)  better in steady"));
  EXPECT_THAT(text, HasSubstr("  Flask on gunicorn            reference\n"));
  EXPECT_THAT(text,
              HasSubstr("FastAPI (blocking) freezes: recv on third-party at app.py:87 in price_of|item blocks its "
                        "event loop, 150 times, 812 ms at the longest, 45 s in all\n"));
  EXPECT_THAT(text, HasSubstr("steady p99"));
  EXPECT_THAT(text, HasSubstr("10x ["));
  EXPECT_THAT(text, HasSubstr("] worse"));
  EXPECT_THAT(text, HasSubstr("30 ["));  // its loop lag
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(comparison_text, names_one_verdict_a_candidate_and_what_to_do_next) {
  const std::string text = comparison_text(decide::shop_comparison());
  EXPECT_THAT(text,
              HasSubstr("\n  FastAPI                      healthy        nothing that is looked for was found, in "
                        "all 3 runs\n"));
  EXPECT_THAT(text, HasSubstr("\n  FastAPI (blocking)           blocking call  recv, third-party at app.py:87 in "
                              "price_of|item held the loop; in all 3 runs, figures of run 2\n"));
  EXPECT_THAT(text, HasSubstr("                               next           Use an asynchronous client.\n"));
}

TEST(comparison_text, holds_with_nothing_measured) {
  const auto plan = decide::shop_plan();
  const std::string text = comparison_text(judge::compare(plan, std::span<const judge::run>()));
  EXPECT_THAT(text, HasSubstr("no complete run; not estimable in steady, fault"));
  EXPECT_THAT(text, HasSubstr("no loop seen"));
  EXPECT_FALSE(comparison_text({}).empty());
}

TEST(comparison_text, figures_have_no_exponent) {
  auto judged = decide::shop_comparison();
  judged.candidates[2].blocking[0].longest_ms = 999.9;
  EXPECT_THAT(comparison_text(judged), HasSubstr("1000 ms at the longest"));
}

TEST(comparison_text, lets_no_text_move_the_cursor) {
  auto judged = decide::shop_comparison();
  judged.candidates[0].title = "evil \x1b[2J\r title";
  judged.anomalies = {"line\x1b]0;x\a"};
  for (const char each : comparison_text(judged)) EXPECT_TRUE(each == '\n' || each >= ' ') << static_cast<int>(each);
}

}  // namespace
}  // namespace assay::report
