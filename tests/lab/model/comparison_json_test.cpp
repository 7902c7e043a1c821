#include "lab/model/comparison_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

namespace assay::model {
namespace {

using nlohmann::json;
using testing::HasSubstr;

comparison sample() {
  comparison made;
  made.source = {"shop-1", "2026-01-02T03:04:05Z", "0.1.0", "abc", "def", 0xffff'ffff'ffff'ffff, 3, {{"cpu", "some"}}};
  made.plan_name = "shop";
  made.reference = "flask";
  candidate_summary& candidate = made.candidates.emplace_back();
  candidate.name = "blocking";
  candidate.title = "Blocking";
  candidate.ours = true;
  candidate.complete = 2;
  candidate.failed = 1;
  candidate.remarks = {"run 3 (failed): died"};
  candidate.freezes = true;
  candidate.blocking = {{"recv", "third-party", "app.py:87 in price", {"a", "b"}, 7, 700.5, 120, {}}};
  candidate.diagnosis = {.verdict = cause::blocking_call,
                         .text = "recv held the loop",
                         .phase = "steady",
                         .judged = 2,
                         .agreeing = 2,
                         .findings = {{.what = {.kind = cause::blocking_call,
                                                .call = "recv",
                                                .peer = "third-party",
                                                .place = "app.py:87 in price",
                                                .text = "recv held the loop",
                                                .numbers = {{"blocked_s", 0.7}},
                                                .next = "Await it."},
                                       .run = 1,
                                       .runs = 2}},
                         .remarks = {"a step"}};
  made.metrics = {{"blocking", "", "start_up_s", {1.5, 2}, estimate{1.7, 1.2, 2.4, 2}, ""},
                  {"blocking", "steady", "response_p99_ms", {}, {}, "1 complete run"}};
  made.comparisons = {{"blocking", "flask", "steady", "response_p99_ms", true, estimate{9, 8, 10, 2}, 0.1, 0.002,
                       finding::worse, "beyond"},
                      {"blocking", "flask", "burst", "rss_mib", false, {}, 0.1, {}, finding::not_estimable, "none"}};
  made.anomalies = {"one"};
  return made;
}

TEST(comparison_json, holds_the_comparison) {
  const json document = json::parse(comparison_to_json(sample()));
  EXPECT_EQ(document["format"], "assay.report/1");
  EXPECT_EQ(document["source"]["seed"], 0xffff'ffff'ffff'ffffU);
  EXPECT_EQ(document["source"]["host"], (json{{"cpu", "some"}}));
  EXPECT_EQ(document["plan"], "shop");
  EXPECT_EQ(document["anomalies"], json::array({"one"}));
  const json site = {{"call", "recv"},
                     {"peer", "third-party"},
                     {"place", "app.py:87 in price"},
                     {"stack", {"a", "b"}},
                     {"count", 7},
                     {"total_ms", 700.5},
                     {"longest_ms", 120.0}};
  const json found = {{"kind", "blocking_call"},
                      {"runs", 2},
                      {"run", 1},
                      {"call", "recv"},
                      {"peer", "third-party"},
                      {"place", "app.py:87 in price"},
                      {"text", "recv held the loop"},
                      {"numbers", {{"blocked_s", 0.7}}},
                      {"next", "Await it."}};
  const json diagnosis = {{"verdict", "blocking_call"},
                          {"text", "recv held the loop"},
                          {"phase", "steady"},
                          {"judged", 2},
                          {"agreeing", 2},
                          {"findings", json::array({found})},
                          {"remarks", {"a step"}}};
  const json candidate = {{"name", "blocking"},     {"title", "Blocking"},
                          {"ours", true},           {"complete", 2},
                          {"invalid", 0},           {"failed", 1},
                          {"freezes", true},        {"blocking", json::array({site})},
                          {"diagnosis", diagnosis}, {"remarks", json::array({"run 3 (failed): died"})}};
  EXPECT_EQ(document["candidates"], json::array({candidate}));
  const json judged = {{"candidate", "blocking"}, {"reference", "flask"},
                       {"phase", "steady"},       {"metric", "response_p99_ms"},
                       {"primary", true},         {"margin", 0.1},
                       {"p_value", 0.002},        {"verdict", "worse"},
                       {"why", "beyond"},         {"ratio", {{"value", 9.0}, {"low", 8.0}, {"high", 10.0}, {"n", 2}}}};
  EXPECT_EQ(document["comparisons"][0], judged);
  EXPECT_TRUE(document["comparisons"][1]["ratio"].is_null());
  EXPECT_TRUE(document["comparisons"][1]["p_value"].is_null());
  EXPECT_EQ(document["comparisons"][1]["verdict"], "not estimable");
  EXPECT_TRUE(document["metrics"][0]["phase"].is_null());
  EXPECT_TRUE(document["metrics"][1]["estimate"].is_null());
  EXPECT_EQ(document["metrics"][1]["why_not"], "1 complete run");
}

TEST(comparison_json, is_json_whatever_the_texts_hold) {
  comparison made = sample();
  made.anomalies = {"cut \xc3"};
  made.metrics[0].runs = {std::numeric_limits<double>::quiet_NaN()};
  const json document = json::parse(comparison_to_json(made));
  EXPECT_EQ(document["anomalies"][0], "cut \xef\xbf\xbd");
  EXPECT_TRUE(document["metrics"][0]["runs"][0].is_null());
}

TEST(comparison_json, is_documented) {
  std::ifstream file(ASSAY_DOCS "/report-json.md");
  std::stringstream text;
  text << file.rdbuf();
  const json document = json::parse(comparison_to_json(sample()));
  std::vector<const json*> open{&document};
  while (!open.empty()) {
    const json* each = open.back();
    open.pop_back();
    for (const auto& [key, value] : each->items()) {
      if (each->is_object()) EXPECT_THAT(text.str(), HasSubstr("`" + key + "`"));
      if (value.is_structured() && key != "host" && key != "numbers") open.push_back(&value);
    }
  }
}

}  // namespace
}  // namespace assay::model
