#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/report/campaign_report.hpp"
#include "lab/report/html.hpp"

namespace assay::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

campaign_report sample() {
  campaign_report made;
  made.plan.name = "shop <b>";
  made.plan.phases = {{.name = "steady", .length = std::chrono::seconds(10)},
                      {.name = "spike", .kind = model::phase_kind::fault, .length = std::chrono::seconds(5)}};
  made.compared.reference = "flask";
  made.compared.candidates = {{.name = "flask", .title = "Flask"},
                              {.name = "cpp", .title = "C++ & Assay", .ours = true},
                              {.name = "blocking", .title = "FastAPI", .freezes = true}};
  made.compared.candidates[2].blocking = {{.call = "poll",
                                           .peer = "third-party",
                                           .place = "app.py:87 in price",
                                           .count = 12,
                                           .total_ms = 1800,
                                           .longest_ms = 310}};
  made.compared.comparisons = {{.candidate = "cpp",
                                .reference = "flask",
                                .phase = "steady",
                                .metric = "response_p99_ms",
                                .primary = true,
                                .ratio = model::estimate{.value = 0.2, .low = 0.15, .high = 0.27, .n = 3},
                                .verdict = model::finding::better,
                                .why = "the interval lies below 0.9"}};
  model::trial one{.candidate = "cpp", .repeat = 1};
  one.reasons = {"</script><script>alert(1)</script>"};
  one.seconds = {{.at_s = 0, .offered = 10, .answered = 10, .response_p50_ms = 1, .response_p99_ms = 2}};
  one.events = {{.at_s = 1, .kind = "stall", .text = "</script>"}};
  made.trials = {one};
  made.record = "# Decision <record>";
  return made;
}

TEST(campaign_html, says_the_verdict_and_names_the_call) {
  const std::string page = campaign_html(sample());
  EXPECT_THAT(page, HasSubstr("freezes"));
  EXPECT_THAT(page, HasSubstr("<code>poll</code> on third-party at <code>app.py:87 in price</code>"));
  EXPECT_THAT(page, HasSubstr("0.2 <small>[0.15, 0.27] n=3</small>"));
  EXPECT_THAT(page, HasSubstr("C++ &amp; Assay <small>(ours)</small>"));
}

TEST(campaign_html, a_candidate_without_blocking_calls_is_said_to_have_none) {
  EXPECT_THAT(campaign_html(sample()), HasSubstr("Flask: none seen."));
}

TEST(campaign_html, nothing_from_outside_becomes_markup) {
  const std::string page = campaign_html(sample());
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, HasSubstr("shop &lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("# Decision &lt;record&gt;"));
  EXPECT_THAT(chart_data(sample()), Not(HasSubstr("</")));
}

TEST(campaign_html, asks_nobody_for_anything) {
  const std::string page = campaign_html(sample());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("src=\"http")));
  EXPECT_THAT(page, Not(HasSubstr("href=\"http")));
}

TEST(numbers, keep_three_digits) {
  EXPECT_EQ(number(0.2), "0.2");
  EXPECT_EQ(number(1.234), "1.23");
  EXPECT_EQ(number(12.345), "12.3");
  EXPECT_EQ(number(1234.5), "1234");
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(std::numeric_limits<double>::quiet_NaN()), "–");
  EXPECT_EQ(milliseconds(1500), "1.50 s");
}

}  // namespace
}  // namespace assay::report
