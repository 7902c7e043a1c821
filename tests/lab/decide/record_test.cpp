#include "lab/decide/record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "lab/decide/evidence.hpp"
#include "tests/lab/decide/decide_test_support.hpp"

namespace assay::decide {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string shop_record() { return decision_record(shop_comparison(), shop_plan()); }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "E12" in "(E12)".
std::set<std::string> ids_in(const std::string& text) {
  std::set<std::string> ids;
  for (std::size_t at = text.find("(E"); at != std::string::npos; at = text.find("(E", at + 1)) {
    ids.insert(text.substr(at + 1, text.find(')', at) - at - 1));
  }
  return ids;
}

TEST(record, has_the_headings_of_madr_and_its_front_matter) {
  const std::string record = shop_record();
  std::size_t at = 0;
  for (const char* heading :
       {"---\nstatus: proposed\n", "# Web stack for shop", "## Context and Problem Statement", "## Decision Drivers",
        "## Considered Options", "## Decision Outcome", "### Consequences", "## Pros and Cons of the Options",
        "## More Information", "### Evidence", "### Threats to validity", "### What would change it"}) {
    const std::size_t found = record.find(heading, at);
    ASSERT_NE(found, std::string::npos) << heading;
    at = found;
  }
  for (const char* line : {"date: \"2026-01-02\"", "experiment_id: \"shop-2026-01-02\"", "plan_sha256: \"0123abcd\"",
                           "results_sha256: \"fedc\"", "tool_version: \"0.1.0\"", "seed: 1", "confidence: 0.95",
                           "revisit_when:\n  - \"the load in production passes 100 requests/s"}) {
    EXPECT_THAT(record, HasSubstr(line));
  }
  EXPECT_LT(lines_of(record).size(), 150u) << "one page and its table";
}

TEST(record, every_claim_points_to_a_row_that_is_there) {
  const std::string record = shop_record();
  std::set<std::string> rows;
  for (const std::string& line : lines_of(record)) {
    if (line.starts_with("| E")) rows.insert(line.substr(2, line.find(' ', 2) - 2));
    const bool claim = line.starts_with("- Good") || line.starts_with("- Bad") || line.starts_with("- Neutral");
    const bool advice = line.find("can be measured again") != std::string::npos;
    if (claim && !advice) EXPECT_FALSE(ids_in(line).empty()) << line;
  }
  EXPECT_GT(rows.size(), 8u);
  for (const std::string& each : ids_in(record)) EXPECT_TRUE(rows.contains(each)) << each;
  EXPECT_EQ(ids_in(record).size(), rows.size()) << "a row that no claim points to";
}

TEST(record, rules_out_what_freezes_and_says_why) {
  const std::string record = shop_record();
  EXPECT_THAT(record, HasSubstr("- **FastAPI (blocking) must not be chosen**: it freezes: `recv` on `third-party` at "
                                "`app.py:87 in price_of|item` blocks its event loop, 150 times in 3 runs, 812 ms"));
  EXPECT_THAT(record, HasSubstr("leaves 3 options: Flask on gunicorn, FastAPI, C++ on assay's stack (ours)."));
  EXPECT_THAT(record, HasSubstr("each compared with Flask on gunicorn, not with one another"));
  EXPECT_THAT(record, HasSubstr("| `recv` at `app.py:87 in price_of\\|item` | 45 s in 150 calls")) << "in a table";
  EXPECT_THAT(record, HasSubstr("with FastAPI (blocking) one slow `third-party` holds up every request"));
  EXPECT_THAT(record, Not(HasSubstr("winner")));
}

TEST(record, tells_the_diagnosis_of_each_and_points_to_its_figure) {
  const std::string record = shop_record();
  EXPECT_THAT(record,
              HasSubstr("- Neutral, because its diagnosis is healthy: nothing that is looked for was found, in all "
                        "3 runs (E"));
  EXPECT_THAT(record, HasSubstr("| fastapi, diagnosis | under steady load: steady | 3 of 3 runs | 3 | healthy |"));
  EXPECT_THAT(record, HasSubstr("- Bad, because its diagnosis is blocking call, in 3 of 3 runs: recv, third-party at "
                                "app.py:87 in price\\_of\\|item held the loop (E"));
  EXPECT_THAT(record, HasSubstr("). Use an asynchronous client.\n"));
  EXPECT_THAT(
      record,
      HasSubstr(
          "| blocking, blocking call | `recv` on `third-party` at `app.py:87 in price_of\\|item` | `blocked_s` 16 in "
          "run 2; in 3 of 3 runs | 3 | **blocking call** |"));
}

TEST(record, writes_inconclusive_as_inconclusive) {
  const std::string record = shop_record();
  EXPECT_THAT(record, HasSubstr("- FastAPI against Flask on gunicorn: equivalent in steady 1.01 ["));
  EXPECT_THAT(record, HasSubstr("the evidence is inconclusive in fault"));
  EXPECT_THAT(record, HasSubstr("more run"));
  EXPECT_THAT(record, HasSubstr("C++ on assay's stack (ours) against Flask on gunicorn: better in steady 0.3 ["));
}

TEST(record, holds_with_nothing_measured) {
  const auto plan = shop_plan();
  const std::string record = decision_record(judge::compare(plan, std::span<const judge::run>()), plan);
  EXPECT_THAT(record, HasSubstr("FastAPI was not measured: no run of it was complete. Nothing is known."));
  EXPECT_THAT(record, HasSubstr("No option is left."));
  EXPECT_THAT(record, Not(HasSubstr("nan")));
}

TEST(record, a_failed_run_rules_out) {
  auto runs = shop_runs();
  runs[3].state = model::trial_state::failed;
  runs[3].reasons = {"lost write 17"};
  const std::string record = decision_record(judge::compare(shop_plan(), runs), shop_plan());
  EXPECT_THAT(record, HasSubstr("**FastAPI must not be chosen**: 1 of its 3 runs failed (E"));
  EXPECT_THAT(record, HasSubstr("lost write 17"));
}

TEST(record, who_did_not_come_back_is_told_so) {
  auto runs = shop_runs();
  runs[4].whole.values.erase("recovery_s");
  const std::string record = decision_record(judge::compare(shop_plan(), runs), shop_plan());
  EXPECT_THAT(record, HasSubstr("- Bad, because it did not come back after the fault while it was watched, in 1 of 3 "
                                "runs (E"));
  EXPECT_THAT(record, HasSubstr("`recovery_s` | came back in 2 of 3 runs | 3 | measured |"));
  EXPECT_THAT(shop_record(), Not(HasSubstr("did not come back")));
}

TEST(record, figures_have_no_exponent) {
  EXPECT_EQ(figure(999.9), "1000");
  EXPECT_EQ(figure(999.4), "999");
  EXPECT_EQ(figure(0.0123), "0.0123");
}

TEST(record, takes_no_foreign_text_for_markdown) {
  EXPECT_EQ(escaped("a|b <img> *c* `d`\n# e"), "a\\|b &lt;img> \\*c\\* \\`d\\` \\# e");
  EXPECT_EQ(code("a`b|c\n"), "`a'b|c `");
  EXPECT_EQ(in_quotes("a\"b\\c\nd"), "\"a\\\"b\\\\c d\"");
  EXPECT_THAT(shop_record(), HasSubstr("a CPU &lt;b>"));
}

}  // namespace
}  // namespace assay::decide
