// What the document of a run says of its intervals, and of arrivals.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "lab/report/load_json.hpp"
#include "tests/lab/report/load_json_test_support.hpp"

namespace assay::report {
namespace {

using nlohmann::json;

json document_of(const model::load_result& result) { return json::parse(load_json(result)); }

TEST(load_json, of_arrivals_in_ticks_the_numbers_are_told_in_place_of_the_gaps) {
  model::load_result result = open_result();
  result.tick = std::chrono::milliseconds(1);
  result.arrivals_seen = model::arrival_fit{.tolerance_ns = 500'000, .spans = 4000, .span_ns = 1e6, .spans_off = 0.01};
  const json seen = document_of(result)["arrivals_seen"];
  EXPECT_EQ(seen["gaps"], 0);
  EXPECT_TRUE(seen["gaps_off_share"].is_null());
  EXPECT_EQ(seen["spans"], 4000);
  EXPECT_EQ(seen["span_us"], 1000.0);
  EXPECT_EQ(seen["spans_off_share"], 0.01);
}

TEST(load_json, a_gate_without_an_interval_proves_nothing) {
  model::load_result result = open_result();
  result.gates[0].within.reset();
  result.gates[0].proven.reset();
  const json gate = document_of(result)["gates"][0];
  EXPECT_EQ(gate["interval_us"], nullptr);
  EXPECT_EQ(gate["proven"], nullptr);
  EXPECT_EQ(gate["met"], true);
}

TEST(load_json, rows_have_intervals_of_their_own_or_none) {
  model::load_result result = open_result();
  EXPECT_EQ(document_of(result)["routes"][0]["response_interval_us"], nullptr) << "their load is not even";
  result.routes[0].intervals = result.intervals;
  result.routes[0].steady = result.steady;
  result.stages[0].intervals = model::response_intervals{};
  const json document = document_of(result);
  EXPECT_EQ(document["routes"][0]["response_interval_us"], document["response_interval_us"]);
  EXPECT_EQ(document["routes"][0]["steady"], document["steady"]);
  EXPECT_EQ(document["stages"][0]["response_interval_us"]["p50"], nullptr) << "too few";
  EXPECT_EQ(document["stages"][0]["steady"], nullptr);
}

TEST(load_json, intervals_are_pairs_of_what_can_be_told) {
  const json bounds = document_of(open_result())["response_interval_us"];
  EXPECT_EQ(bounds["mean"], json::parse("[1900.0, 2100.0]"));
  EXPECT_EQ(bounds["p50"], json::parse("[1800.0, 2200.0]"));
  EXPECT_EQ(bounds["p99"], nullptr);
  EXPECT_EQ(bounds["effective_samples"], 250.0);
  EXPECT_EQ(bounds["from_s"], 0);
  EXPECT_EQ(bounds["why_not"], nullptr);
}

TEST(load_json, an_interval_that_is_untold_says_why_and_how_much_longer_a_run_takes) {
  model::load_result result = open_result();
  EXPECT_EQ(document_of(result)["response_interval_us"]["untold"], json::array());
  result.intervals.untold = {{.why = model::untold_reason::few_moments, .times_longer = 2.5},
                             {.quantile = 0.999, .why = model::untold_reason::long_moments, .times_longer = 2}};
  const json untold = document_of(result)["response_interval_us"]["untold"];
  ASSERT_EQ(untold.size(), 2U);
  EXPECT_EQ(untold[0]["of"], "mean");
  EXPECT_EQ(untold[0]["why"], "a few slow moments decide; a run 3 times as long may tell");
  EXPECT_EQ(untold[0]["times_longer"], 3);
  EXPECT_EQ(untold[1]["of"], "p99.9");
}

TEST(load_json, intervals_of_sessions_say_from_when_on_or_why_not) {
  model::load_result result = open_result();
  result.intervals.from_s = 3.5;
  EXPECT_EQ(document_of(result)["response_interval_us"]["from_s"], 3.5);
  result.intervals = {.why_not = "they grew"};
  EXPECT_EQ(document_of(result)["response_interval_us"]["why_not"], "they grew");
}

}  // namespace
}  // namespace assay::report
