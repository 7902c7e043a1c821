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
  made.compared.candidates = {{.name = "flask", .title = "Flask", .complete = 1},
                              {.name = "cpp", .title = "C++ & Assay", .ours = true, .complete = 1},
                              {.name = "blocking", .title = "FastAPI", .complete = 1, .freezes = true}};
  made.compared.candidates[2].blocking = {{.call = "poll",
                                           .peer = "third-party",
                                           .place = "app.py:87 in price",
                                           .count = 12,
                                           .total_ms = 1800,
                                           .longest_ms = 310}};
  // More time in all, and never long enough to freeze anything.
  made.compared.candidates[2].blocking.insert(
      made.compared.candidates[2].blocking.begin(),
      {.call = "read", .peer = {}, .place = "app.py:9 in load", .count = 900, .total_ms = 9000, .longest_ms = 11});
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
  model::trial flask{.candidate = "flask", .repeat = 1, .start_up_s = 0.4};
  flask.lag = {{.phase = "steady", .quality = model::lag_quality::traced}};
  made.trials = {one, flask};
  made.record = "# Decision <record>";
  return made;
}

TEST(campaign_html, says_the_verdict_and_names_the_call) {
  const std::string page = campaign_html(sample());
  EXPECT_THAT(page, HasSubstr("freezes</span>: FastAPI. Its event loop was blocked 12 times for 1.80 s in all, "
                              "310 ms at the longest, by <code>poll</code>"));
  EXPECT_THAT(page, HasSubstr("<code>poll</code> on third-party at <code>app.py:87 in price</code>"));
  EXPECT_THAT(page, HasSubstr("0.2 <small>[0.15, 0.27] n=3</small>"));
  EXPECT_THAT(page, HasSubstr("C++ &amp; Assay <small>(ours)</small>"));
}

TEST(campaign_html, names_one_verdict_a_candidate_and_what_to_do_next) {
  campaign_report report = sample();
  report.compared.candidates[0].diagnosis = {.verdict = model::cause::healthy, .text = "nothing <was> found"};
  report.compared.candidates[2].diagnosis = {
      .verdict = model::cause::mixed,
      .text = "several",
      .phase = "steady",
      .judged = 2,
      .findings = {{.what = {.kind = model::cause::blocking_call, .text = "poll <held> it", .next = "Await <it>."},
                    .run = 1,
                    .runs = 2},
                   {.what = {.kind = model::cause::memory_leak, .text = "it grew", .next = "Find it."}, .runs = 1}},
      .remarks = {"a <step>"}};
  const std::string page = campaign_html(report);
  EXPECT_THAT(page, HasSubstr("<span class=\"better\">healthy</span><small></small></td><td class=\"text\">nothing "
                              "&lt;was&gt; found</td><td class=\"text\">–</td>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"open\">not enough data</span>"));
  EXPECT_THAT(page,
              HasSubstr("<span class=\"worse\">mixed</span><small>steady</small></td><td class=\"text\">several"
                        "<small>blocking call: poll &lt;held&gt; it; in 2 of 2 runs</small><small>memory leak: it "
                        "grew; in 1 of 2 runs</small><small>a &lt;step&gt;</small></td>"));
  EXPECT_THAT(page, HasSubstr("Await &lt;it&gt;.<br>Find it.</td>"));
}

TEST(campaign_html, shows_what_was_seen_in_the_database_by_the_run_that_waited_most) {
  campaign_report report = sample();
  EXPECT_THAT(campaign_html(report), Not(HasSubstr("In the database")));
  report.plan.dependencies.push_back({.name = "orders"});
  for (model::trial& trial : report.trials) {
    model::database_view& seen = trial.databases.emplace_back();
    seen = {.name = "orders", .max_connections = 100, .notes = {"orders: a <note>"}};
    seen.looks.assign(2, {.connections = 4, .active = 3, .held = 1, .lock_waits = 2, .of_server = 6});
    seen.locks.push_back({.statement = "UPDATE t SET a < ?", .holder = "SELECT ?", .holder_idle = true});
    seen.statements.push_back({.text = "SELECT ?", .calls = 4, .total_ms = 10});
  }
  report.trials.push_back(report.trials.back());
  report.trials.back().repeat = 2;
  report.trials.back().databases[0].looks[0].lock_waits = 4;
  report.trials.push_back(report.trials.back());
  report.trials.back().state = model::trial_state::failed;
  report.trials.back().databases[0].looks[0].lock_waits = 9;
  const std::string page = campaign_html(report);
  EXPECT_THAT(page, HasSubstr("<tr><td>Flask</td><td class=\"text\">orders</td><td>2</td>"
                              "<td>4.00 <small>4 at most</small></td><td>3.00</td><td>1.00</td><td>3.00</td>"
                              "<td>6 <small>of 100</small></td>"));
  EXPECT_THAT(page,
              HasSubstr("<small>waited for a lock: <code>UPDATE t SET a &lt; ?</code>; held by a transaction that "
                        "was idle after <code>SELECT ?</code></small>"));
  EXPECT_THAT(page, HasSubstr("<small>4 calls, 2.50 ms each: <code>SELECT ?</code></small>"));
  EXPECT_THAT(page, HasSubstr("<small>orders: a &lt;note&gt;</small>"));
}

TEST(campaign_html, the_first_screen_is_the_answer) {
  campaign_report report = sample();
  report.compared.candidates.push_back({.name = "go", .title = "Go", .complete = 2, .failed = 1});
  report.compared.candidates.push_back({.name = "rust", .title = "Rust", .invalid = 3});
  report.compared.comparisons.push_back({.candidate = "go",
                                         .reference = "flask",
                                         .phase = "steady",
                                         .metric = "response_p99_ms",
                                         .primary = true,
                                         .ratio = model::estimate{.value = 1.01, .low = 0.97, .high = 1.04, .n = 2},
                                         .verdict = model::finding::equivalent});
  report.compared.anomalies = {"go, run 3: it died"};
  const std::string page = campaign_html(report);
  const std::string first = page.substr(0, page.find("To know before the numbers"));
  EXPECT_THAT(first, HasSubstr("better</span><small>0.2× [0.15, 0.27]</small>"));
  EXPECT_THAT(first, HasSubstr("equivalent</span><small>1.01× [0.97, 1.04]</small>"));
  EXPECT_THAT(first, HasSubstr("spike <small></small></th>"));
  EXPECT_THAT(first, HasSubstr("too few requests planned"));
  EXPECT_THAT(first, HasSubstr("failed</span>: Go, in 1 of 3 runs."));
  EXPECT_THAT(first, HasSubstr("not measured</span>: Rust, no run of it was complete."));
  EXPECT_THAT(first, Not(HasSubstr("it died")));
  EXPECT_THAT(page, HasSubstr("<li>go, run 3: it died</li>"));
}

TEST(campaign_html, no_blocking_call_is_said_only_of_what_was_looked_into) {
  campaign_report report = sample();
  EXPECT_THAT(campaign_html(report), HasSubstr("Flask: none seen."));
  EXPECT_THAT(campaign_html(report), HasSubstr("(ours)</small>: nothing is known, no event loop of it was seen."));
  report.compared.candidates[0].complete = 0;
  EXPECT_THAT(campaign_html(report), HasSubstr("Flask: nothing is known, no run of it was complete."));
}

TEST(campaign_html, metrics_are_named_for_readers_and_have_units) {
  campaign_report report = sample();
  report.compared.metrics = {{.candidate = "cpp",
                              .phase = "steady",
                              .metric = "error_share",
                              .runs = {0.1, 0.14},
                              .over_runs = model::estimate{.value = 0.12, .low = 0, .high = 0.25, .n = 2}}};
  report.compared.comparisons[0].p_value = 3e-7;
  const std::string page = campaign_html(report);
  EXPECT_THAT(page, HasSubstr("<th>failed requests, %</th>"));
  EXPECT_THAT(page, HasSubstr("12.0 <small>[0, 25.0] n=2</small>"));
  EXPECT_THAT(page, HasSubstr("<td>&lt; 0.001</td>"));
  EXPECT_EQ(form_of("new_metric").heading(), "new_metric");
}

TEST(campaign_html, what_was_not_measured_is_not_zero) {
  campaign_report report = sample();
  EXPECT_THAT(campaign_html(report), HasSubstr("<td>ran already</td><td>not seen</td>"));
  report.plan.phases.pop_back();
  EXPECT_THAT(campaign_html(report), HasSubstr("<td>ran already</td><td>no fault</td>"));
}

TEST(chart_data, draws_a_quantile_from_ten_requests_beyond_it) {
  campaign_report report = sample();
  model::phase_measurement& steady = report.trials[0].phases.emplace_back();
  steady.name = "steady";
  for (std::uint64_t i = 1; i <= 100; ++i) steady.all.latency.response_time.record(1'000'001);
  EXPECT_THAT(chart_data(report), HasSubstr("[0.9,1.000001]"));
  EXPECT_THAT(chart_data(report), Not(HasSubstr("[0.95,")));
}

TEST(campaign_html, nothing_from_outside_becomes_markup) {
  const std::string page = campaign_html(sample());
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_THAT(page, HasSubstr("shop &lt;b&gt;"));
  EXPECT_THAT(page, HasSubstr("# Decision &lt;record&gt;"));
  EXPECT_THAT(chart_data(sample()), Not(HasSubstr("<"))) << "<!--<script would swallow the rest of the page";
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
