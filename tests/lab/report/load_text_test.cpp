#include "lab/report/load_text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <string>
#include <vector>

namespace assay::report {
namespace {

using namespace std::chrono_literals;

model::load_result some_result() {
  model::load_result result;
  result.valid = true;
  result.url = "http://127.0.0.1:8080/";
  result.method = "GET";
  result.model = model::load_model::open;
  result.seed = 1;
  result.connections = 64;
  result.threads = 1;
  result.duration = 10s;
  result.offered_rps = 50;
  result.achieved_rps = 49.9;
  result.good_rps = 49.5;
  result.requests = 499;
  result.bytes_received = 62'874;
  result.errors = {{"status_5xx", 3}, {"timed_out", 1}};
  result.latency.response_time.record(250'000, 495);
  result.latency.response_time.record(1'500'000'000, 5);
  result.latency.service_time.record(200'000, 500);
  return result;
}

TEST(load_text, open_model) {
  EXPECT_EQ(load_text(some_result()),
            R"(VALID
GET http://127.0.0.1:8080/: 10.0s, 64 connections, 1 thread, open model, constant arrivals, seed 1
                     mean      p50      p90      p99    p99.9      max
  response time    15.2ms    250us    250us    250us        -    1.50s
  service time      200us    200us    200us    200us        -    200us
  send lag              -        -        -        -        -        -
  499 responses in 10.00s, 62.87kB read
  errors: status_5xx 3 timed_out 1
offered 50.00 req/s, achieved 49.90 req/s, 49.50 as expected and in time
)");
}

TEST(load_text, a_service_that_failed_under_the_load_is_said_to_have_collapsed_where_the_run_is_valid) {
  model::load_result result = some_result();
  result.good_rps = 25;
  EXPECT_FALSE(load_text(result).contains("collapsed")) << "half of it is not less than half";
  result.good_rps = 6;
  EXPECT_TRUE(load_text(result).ends_with(
      "\nthe service collapsed: 12 % of what was offered came back as expected and in time\n"))
      << load_text(result);
  result.valid = false;
  EXPECT_FALSE(load_text(result).contains("collapsed")) << "it may have been the generator";
  result.valid = true;
  result.offered_rps.reset();
  EXPECT_FALSE(load_text(result).contains("collapsed")) << "a closed model offers what is taken";
}

TEST(load_text, sessions_are_named_as_partly_open_and_have_a_line_a_scenario) {
  model::load_result result = some_result();
  result.model = model::load_model::partly_open;
  result.sessions.push_back(
      {.name = "buy", .offered = 20, .started = 20, .finished = 15, .abandoned = 1, .cut = 4, .waited = 2});
  result.sessions[0].time.record(1'500'000'000, 15);
  const std::string text = load_text(result);
  EXPECT_TRUE(text.contains("partly-open model (sessions open, requests inside closed), constant arrivals")) << text;
  EXPECT_TRUE(
      text.contains("  sessions   offered  started finished abandoned     cut      p50      max\n"
                    "  buy             20       20       15         1       4    1.50s    1.50s\n"
                    "  2 sessions had to wait, or never began: 64 may be under way at once (-c)\n"))
      << text;
}

TEST(load_text, connects_and_first_bytes_are_told_with_the_details) {
  model::load_result result = some_result();
  result.first_byte.record(150'000, 500);
  result.connect_time.record(80'000, 64);
  EXPECT_TRUE(load_text(result, {.spectrum = true})
                  .contains("\n  first byte        150us    150us    150us    150us        -    150us\n"
                            "  connect          80.0us   80.0us   80.0us        -        -   80.0us\n"));
  EXPECT_FALSE(load_text(result).contains("first byte"));
}

TEST(load_text, intervals_are_below_what_they_are_of) {
  model::load_result result = some_result();
  result.intervals = {.mean = model::time_interval{.low_ns = 14.9e6, .high_ns = 15.6e6},
                      .quantiles = {{.quantile = 0.5, .within = {245e3, 255e3}, .effective_samples = 400},
                                    {.quantile = 0.95, .within = {1, 2}, .effective_samples = 400}}};
  EXPECT_TRUE(
      load_text(result).contains("  response time    15.2ms    250us    250us    250us        -    1.50s\n"
                                 "    95 % from      14.9ms    245us        -        -        -\n"
                                 "    95 % to        15.6ms    255us        -        -        -\n"
                                 "  service time"))
      << load_text(result);
}

TEST(load_text, closed_model_is_named_and_shows_no_response_time) {
  model::load_result result = some_result();
  result.model = model::load_model::closed;
  result.offered_rps.reset();
  result.errors.clear();
  result.threads = 2;
  result.interrupted = true;
  result.resent = 7;
  result.redirects = 9;
  EXPECT_EQ(load_text(result),
            R"(VALID
GET http://127.0.0.1:8080/: 10.0s (interrupted), 64 connections, 2 threads, closed model
                     mean      p50      p90      p99    p99.9      max
  service time      200us    200us    200us    200us        -    200us
  499 responses in 10.00s, 62.87kB read, 7 sent twice, 9 redirects followed
achieved 49.90 req/s
)");
}

TEST(load_text, percentiles_of_more_than_one_state_are_called_that) {
  model::load_result result = some_result();
  result.steady = model::steadiness{};
  EXPECT_FALSE(load_text(result).contains("steady"));
  result.steady->from_s = 2.5;
  result.steady->before = 3;
  EXPECT_TRUE(
      load_text(result).contains("\n  steady from 2.5s on; until then the typical response took 3 times as long, and "
                                 "the times above are of both\n"));
  result.steady->since = observe::histogram::with_defaults();
  result.steady->since->record(2'000'000, 400);
  EXPECT_TRUE(load_text(result).contains("\n  from 2.5s on     2.00ms   2.00ms   2.00ms   2.00ms        -   2.00ms\n"))
      << load_text(result);
  result.steady->intervals.quantiles = {{.quantile = 0.5, .within = {.low_ns = 1.9e6, .high_ns = 2.1e6}}};
  EXPECT_TRUE(load_text(result).contains("2.00ms\n    95 % from           -   1.90ms        -        -        -\n"))
      << load_text(result);
  result.steady->drift = 1.4;
  EXPECT_TRUE(load_text(result).contains("\n  not steady: the typical time grew 1.4 times in this run"));
  result.steady->drift = 0.5;
  EXPECT_TRUE(load_text(result).contains("typical time fell to 0.5 times in this run"));
}

TEST(load_text, too_few_connections_are_named_where_requests_waited_for_one) {
  model::load_result result = some_result();
  result.offered_requests = 500;
  result.waited_for_connection = 5;
  EXPECT_FALSE(load_text(result).contains("were busy")) << "one in a hundred";
  result.waited_for_connection = 170;
  EXPECT_TRUE(load_text(result).contains(
      "\n  170 of 500 requests (34 %) were due while all 64 connections were busy: if the service can take more at a "
      "time, more of them (-c) make them earlier\n"))
      << load_text(result);
  result.model = model::load_model::closed;
  EXPECT_FALSE(load_text(result).contains("were busy")) << "nothing is due there";
}

TEST(load_text, the_generators_own_lateness_is_told_where_it_may_be_the_maximum) {
  model::load_result result = some_result();
  const auto max_ns = static_cast<double>(result.latency.response_time.max());
  result.generator.own_lag_max_ns = static_cast<std::uint64_t>(0.09 * max_ns);
  EXPECT_FALSE(load_text(result).contains("itself was late"));
  result.generator.own_lag_max_ns = static_cast<std::uint64_t>(0.5 * max_ns);
  EXPECT_TRUE(load_text(result).contains(
      "\n  the generator itself was late by up to 750ms: the longest of these times may be its own\n"))
      << load_text(result);
}

TEST(load_text, what_stalls_of_the_generator_can_have_made_is_told_by_its_name) {
  model::load_result result = some_result();
  result.model = model::load_model::closed;
  result.generator.own_lag_max_ns = 2'000'000'000;
  result.stalls = {.count = 2, .longest_ns = 203'000'000, .touched = {{0.999, 200e6, 5e6}, {1, 210e6, 7e6}}};
  EXPECT_TRUE(
      load_text(result).contains("\n  the generator itself stalled, 2x, for up to 203ms: p99.9 and max can be its own; "
                                 "without it max is 7.00ms or "
                                 "more\n"))
      << load_text(result);
  EXPECT_FALSE(load_text(result).contains("itself was late")) << "that is the same once more";
  result.stalls.touched.clear();
  EXPECT_FALSE(load_text(result).contains("stalled"));
}

TEST(load_text, how_the_requests_went_out_is_told) {
  model::load_result result = some_result();
  result.arrivals_seen = model::arrival_fit{.gaps = 249, .tolerance_ns = 500'000, .gaps_off = 0.008};
  EXPECT_TRUE(load_text(result).contains(
      "\n  arrivals: 0.8 % of 249 gaps differ from constant ones by more than 500us and a quarter of the mean\n"));
  result.arrivals = model::arrival_law::poisson;
  result.arrivals_seen->distance = 0.0312;
  result.arrivals_seen->distance_by_chance = 0.086;
  EXPECT_TRUE(load_text(result).contains(" of the mean; distance 0.031 from that law, by chance up to 0.086\n"));
  result.arrivals_seen = model::arrival_fit{.spans = 4000, .span_ns = 2e6, .spans_off = 0.012};
  EXPECT_TRUE(load_text(result).contains(
      "\n  arrivals: 1.2 % of 4000 spans of 2.00ms have another number of sends than poisson arrivals in ticks\n"))
      << load_text(result);
  result.arrivals_seen.reset();
  EXPECT_FALSE(load_text(result).contains("arrivals:"));
}

TEST(load_text, a_burst_says_when_it_was_over_or_why_that_is_not_known) {
  model::load_result result = some_result();
  result.stages = {{.shape = "100/s", .length_s = 10}, {.shape = "100*10/s", .start_s = 10, .length_s = 5}};
  result.stages[1].burst = {.level_p99_ms = 2.5, .back_from_s = 3, .back_until_s = 4, .watched_s = 20};
  EXPECT_TRUE(load_text(result).contains(
      "\n  burst 100*10/s until 15s: back to the level of before (p99 2.50ms) within 3 to 4 s\n"));
  result.stages[1].burst = model::burst_return{.watched_s = 20, .why_not = "not back within 20 s"};
  EXPECT_TRUE(load_text(result).contains("\n  burst 100*10/s until 15s: not back within 20 s\n"));
}

TEST(load_text, several_requests_have_a_row_each) {
  model::load_result result = some_result();
  result.method.clear();
  result.routes = {{.name = "GET /", .offered = 300, .answered = 299, .errors = {{"closed", 1}}},
                   {.name = "POST /orders", .offered = 100, .answered = 100}};
  result.routes[0].latency.response_time.record(2'000'000, 299);
  const std::string text = load_text(result);
  EXPECT_TRUE(text.contains("\n2 requests to http://127.0.0.1:8080/: 10.0s, "));
  EXPECT_TRUE(
      text.contains("\n  route          offered answered  errors      p50      p99      max\n"
                    "  GET /              300      299       1   2.00ms        -   2.00ms\n"
                    "  POST /orders       100      100       0        -        -        -\n"))
      << text;
}

TEST(load_text, a_row_has_its_intervals_below_it_where_they_can_be_told) {
  model::load_result result = some_result();
  result.method.clear();
  result.routes = {{.name = "GET /", .offered = 300, .answered = 299},
                   {.name = "GET /rare", .offered = 3, .answered = 3},
                   {.name = "GET /grows", .offered = 99, .answered = 99},
                   {.name = "GET /else", .offered = 99, .answered = 99}};
  result.routes[0].intervals = model::response_intervals{
      .mean = {}, .quantiles = {{.quantile = 0.5, .within = {1.96e6, 2.04e6}, .effective_samples = 187.4}}};
  result.routes[1].intervals = model::response_intervals{};
  result.routes[1].latency.response_time.record(2'000'000, 3);
  result.routes[3].intervals = {
      .quantiles = {{.quantile = 0.5, .within = {1.96e6, 2.04e6}, .effective_samples = 187.4}},
      .untold = {{.quantile = 0.99, .why = model::untold_reason::few_moments, .times_longer = 2.1}}};
  result.routes[2].intervals = model::response_intervals{};
  result.routes[2].steady = model::steadiness{.drift = 1.5};
  const std::string rows =
      "  GET /            300      299       0        -        -        -\n"
      "    95 %: p50 1.96ms to 2.04ms, p99 not estimable; worth 187 samples\n"
      "  GET /rare          3        3       0        -        -   2.00ms\n"
      "    95 %: not estimable from 3 answers\n"
      "  GET /grows        99       99       0        -        -        -\n"
      "    95 %: not estimable, the typical response time grew 1.5 times in it\n"
      "  GET /else         99       99       0        -        -        -\n"
      "    95 %: p50 1.96ms to 2.04ms, p99 not estimable (a few slow moments decide; a run 3 times as long may tell); "
      "worth 187 samples\n";
  EXPECT_TRUE(load_text(result).contains(rows)) << load_text(result);
  result.routes.resize(7);
  EXPECT_FALSE(load_text(result).contains("95 %")) << "no room for them";
  EXPECT_TRUE(load_text(result, {.spectrum = true}).contains("    95 %: p50 1.96ms"));
  result.routes.clear();
  result.stages = {{.shape = "100/s", .length_s = 10}};
  result.stages[0].intervals = model::response_intervals{};
  EXPECT_TRUE(load_text(result).contains("\n    95 %: not estimable from 0 answers\n"));
}

TEST(load_text, the_sessions_of_each_scenario_say_whether_they_began_as_they_were_to) {
  model::load_result result = some_result();
  result.sessions = {{.name = "buy", .arrivals_seen = model::arrival_fit{.gaps = 40, .tolerance_ns = 5e5}},
                     {.name = "look", .arrivals = model::arrival_law::poisson}};
  EXPECT_TRUE(load_text(result).contains(
      "\n  arrivals of buy: 0 % of 40 gaps differ from constant ones by more than 500us and a quarter of the mean\n"))
      << load_text(result);
  EXPECT_FALSE(load_text(result).contains("arrivals of look")) << "nothing was looked at";
}

TEST(load_text, of_several_scenarios_the_one_that_began_least_as_it_was_to_stands_for_all) {
  model::load_result result = some_result();
  result.sessions = {{.name = "buy", .arrivals_seen = model::arrival_fit{.gaps = 40, .gaps_off = 0.1}},
                     {.name = "look", .arrivals_seen = model::arrival_fit{.gaps = 40, .gaps_off = 0.2}}};
  EXPECT_FALSE(load_text(result).contains("arrivals of buy"));
  EXPECT_TRUE(load_text(result).contains("arrivals of look: 20 %"));
  EXPECT_TRUE(load_text(result, {.spectrum = true}).contains("arrivals of buy: 10 %"));
}

TEST(load_text, the_rows_of_scenarios_take_the_room_of_intervals_too) {
  model::load_result result = some_result();
  result.routes.resize(4);
  for (model::load_route& each : result.routes) each.intervals.emplace();
  result.sessions.resize(1);
  EXPECT_TRUE(load_text(result).contains("    95 %: not estimable"));
  result.sessions.resize(2);
  EXPECT_FALSE(load_text(result).contains("    95 %: not estimable"));
  EXPECT_TRUE(load_text(result, {.spectrum = true}).contains("    95 %: not estimable"));
}

TEST(load_text, intervals_of_sessions_say_from_when_on_or_why_there_are_none) {
  model::load_result result = some_result();
  result.intervals = {.mean = model::time_interval{.low_ns = 1e6, .high_ns = 2e6}, .from_s = 3.14159};
  EXPECT_TRUE(
      load_text(result).contains("\n    95 % are of the run from 3.14s on: until then the load grew\n  service time"))
      << load_text(result);
  result.intervals = {.why_not = "they take too long"};
  EXPECT_TRUE(load_text(result).contains("\n    95 %: not estimable: they take too long\n  service time"))
      << load_text(result);
}

TEST(load_text, a_gate_tells_its_interval_and_whether_that_proves_it) {
  model::load_result result = some_result();
  result.gates = {{.gate = "errors<1%", .met = true, .measured = "0.4%"},
                  {.gate = "p50<1ms",
                   .met = true,
                   .measured = "0.25ms",
                   .within = model::time_interval{.low_ns = 245e3, .high_ns = 255e3},
                   .proven = true},
                  {.gate = "p99<50ms",
                   .met = true,
                   .measured = "49.1ms",
                   .within = model::time_interval{.low_ns = 47e6, .high_ns = 52.3e6},
                   .proven = false},
                  {.gate = "mean<9ms",
                   .met = false,
                   .measured = "9.2ms",
                   .within = model::time_interval{.low_ns = 8.9e6, .high_ns = 9.4e6},
                   .proven = false}};
  EXPECT_TRUE(
      load_text(result).contains("  met errors<1%: 0.4%\n"
                                 "  met p50<1ms: 0.25ms (95 %: 245us to 255us)\n"
                                 "  met p99<50ms: 49.1ms (95 %: 47.0ms to 52.3ms): holds, but not proven\n"
                                 "  NOT MET mean<9ms: 9.2ms (95 %: 8.90ms to 9.40ms): fails, but not proven\n"))
      << load_text(result);
}

TEST(load_text, reasons_stand_on_the_first_line) {
  model::load_result result = some_result();
  result.valid = false;
  result.reasons = {"generator late", "generator out of CPU"};
  EXPECT_TRUE(load_text(result).starts_with("INVALID: generator late; generator out of CPU\nGET "))
      << load_text(result);
}

std::string shown_as(std::uint64_t ns) {
  model::load_result result = some_result();
  result.latency.service_time.reset();
  result.latency.service_time.record(ns);
  const std::string text = load_text(result);
  std::istringstream row(text.substr(text.find("service time")));
  std::string word;
  for (int i = 0; i < 3; ++i) row >> word;  // "service", "time", the mean
  return word;
}

TEST(load_text, times_have_three_digits_and_the_unit_that_fits) {
  EXPECT_EQ(shown_as(0), "0.00us");
  EXPECT_EQ(shown_as(950), "0.95us");
  EXPECT_EQ(shown_as(9'994), "9.99us");
  EXPECT_EQ(shown_as(9'996), "10.0us");
  EXPECT_EQ(shown_as(99'960), "100us");
  EXPECT_EQ(shown_as(999'400), "999us");
  EXPECT_EQ(shown_as(999'600), "1.00ms");
  EXPECT_EQ(shown_as(12'340'000), "12.3ms");
  EXPECT_EQ(shown_as(999'999'999), "1.00s");
  EXPECT_EQ(shown_as(1'500'000'000), "1.50s");
  EXPECT_EQ(shown_as(3'600'000'000'000), "3600s");
}

struct spectrum_row {
  double value_ms = 0;
  double quantile = 0;
  std::uint64_t count = 0;
};

std::vector<spectrum_row> spectrum_of(const std::string& text, const std::string& name) {
  std::vector<spectrum_row> rows;
  std::istringstream lines(text.substr(text.find(name + ": detailed percentile spectrum")));
  for (std::string line; std::getline(lines, line) && !line.starts_with("#[");) {
    spectrum_row row;
    if (std::istringstream(line) >> row.value_ms >> row.quantile >> row.count) rows.push_back(row);
  }
  return rows;
}

TEST(load_text, the_spectrum_rises_to_the_maximum_and_ends_where_the_samples_do) {
  model::load_result result = some_result();
  for (std::uint64_t i = 1; i <= 4000; ++i) result.latency.response_time.record(i * 1'000'037);
  const std::string text = load_text(result, {.spectrum = true});
  for (const char* name : {"response time", "service time"}) {
    const std::vector<spectrum_row> rows = spectrum_of(text, name);
    ASSERT_GT(rows.size(), 10U);
    for (std::size_t i = 1; i < rows.size(); ++i) {
      EXPECT_GE(rows[i].value_ms, rows[i - 1].value_ms) << name << " at " << rows[i].quantile;
      EXPECT_GE(rows[i].quantile, rows[i - 1].quantile);
      EXPECT_GE(rows[i].count, rows[i - 1].count);
    }
    EXPECT_DOUBLE_EQ(rows.back().quantile, 1.0);
  }
  EXPECT_EQ(spectrum_of(text, "response time").back().count, 4500U);
  EXPECT_LT(spectrum_of(text, "service time").rbegin()[1].quantile, 0.9927) << "500 samples support no more";
  EXPECT_EQ(load_text(result).find("spectrum"), std::string::npos);
}

}  // namespace
}  // namespace assay::report
