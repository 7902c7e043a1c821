#include "lab/report/capacity_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace assay::report {
namespace {

using nlohmann::json;

model::capacity_result sample() {
  model::capacity_result result;
  result.url = "http://127.0.0.1:8080/";
  result.objectives = "p99<50ms";
  result.confidence = 0.95;
  result.run_length_s = 5;
  result.connections = 64;
  result.estimate = {.outcome = model::capacity_outcome::found,
                     .rps = 512.3,
                     .low_rps = 500,
                     .high_rps = 525,
                     .spread = 0.02,
                     .runs = 2};
  result.runs.push_back({.rate_rps = 600, .valid = true, .achieved_rps = 510, .goodput_rps = 500, .p99_ns = 2.5e9});
  result.runs.push_back({.rate_rps = 100, .valid = true, .kept = true, .achieved_rps = 100, .goodput_rps = 100});
  result.runs.back().gates.push_back({.gate = "p99<50ms", .met = true, .measured = "3ms"});
  return result;
}

TEST(capacity_report, begins_with_the_interval_and_lists_runs_by_rate) {
  const std::string text = capacity_text(sample());
  EXPECT_TRUE(text.starts_with("capacity 512.3 req/s, 95 % interval [500, 525]\n")) << text;
  EXPECT_LT(text.find("       100"), text.find("       600")) << text;
  EXPECT_NE(text.find("2500ms"), std::string::npos) << text;
}

TEST(capacity_report, says_so_when_there_is_no_interval) {
  model::capacity_result result = sample();
  result.estimate = {.outcome = model::capacity_outcome::above_most,
                     .low_rps = 800,
                     .high_rps = std::numeric_limits<double>::infinity(),
                     .runs = 2};
  result.generator_limit_rps = 800;
  EXPECT_TRUE(
      capacity_text(result).starts_with("capacity at least 800 req/s: everything that was tried was kept, and "));
  const json document = json::parse(capacity_json(result));
  EXPECT_EQ(document["outcome"], "above_most");
  EXPECT_TRUE(document["capacity_rps"].is_null());
  EXPECT_TRUE(document["high_rps"].is_null());
  EXPECT_EQ(document["low_rps"], 800);
}

model::capacity_result with_curve() {
  model::capacity_result result = sample();
  result.time_objective_ns = 50e6;
  result.curve.push_back({.rate_rps = 256.15,
                          .valid = true,
                          .kept = true,
                          .achieved_rps = 256,
                          .goodput_rps = 256,
                          .in_slo_rps = 256,
                          .p50_ns = 2e6,
                          .p99_ns = 5e6,
                          .p50_within = model::time_interval{1.9e6, 2.1e6},
                          .p99_within = model::time_interval{4.5e6, 6e6}});
  result.curve.push_back({.rate_rps = 1024.6,
                          .valid = true,
                          .achieved_rps = 500,
                          .goodput_rps = 499.5,
                          .in_slo_rps = 12.3,
                          .p50_ns = 2.5e9,
                          .p99_ns = 4.9e9});
  result.curve.push_back({.rate_rps = 1100, .error_share = 1, .reasons = {"generator late"}});
  result.beyond = {.outcome = model::overload_outcome::collapses,
                   .rate_rps = 1024.6,
                   .in_slo_share = 12.3 / 512.3,
                   .answered_share = 499.5 / 512.3};
  result.recovery = model::capacity_recovery{.overload_rps = 1024.6,
                                             .overload_s = 2.5,
                                             .at_rps = 409.84,
                                             .watched_s = 30,
                                             .backlog_s = 12.5,
                                             .back_from_s = 12.5,
                                             .back_until_s = 13.75};
  return result;
}

TEST(capacity_report, the_curve_is_below_the_runs_and_says_what_becomes_of_the_goodput) {
  const std::string text = capacity_text(with_curve());
  EXPECT_TRUE(text.ends_with(R"(the curve; goodput is what is answered as expected within 50ms
   offered/s capacity  answered   goodput        p50        p99             p99, 95 %   errors
      256.15    0.50x       256       256        2ms        5ms            4.5 to 6ms       0%
      1024.6    2.00x       500      12.3     2500ms     4900ms                     -       0%
        1100    2.15x         0         0          -          -                     -     100%  INVALID
offered 2x the capacity its goodput COLLAPSES: 2.4 % of the capacity within the objectives, 97.5 % answered
recovery from 2.5 s of 1024.6 req/s at 409.84: 12.5 to 13.8 s; its backlog alone takes 12.5 s
)")) << text;
}

TEST(capacity_report, says_why_there_is_no_more_of_the_curve_and_no_recovery) {
  model::capacity_result result = with_curve();
  result.curve.clear();
  result.curve_remark = "more this machine cannot send";
  result.beyond = {};
  result.recovery->back_from_s = result.recovery->back_until_s = std::nullopt;
  result.recovery->why_not = "not back within 30 s of watching";
  const std::string text = capacity_text(result);
  EXPECT_TRUE(
      text.contains("\n  no more of it: more this machine cannot send\n"
                    "what is beyond the capacity is not known: no valid run was made there\n"))
      << text;
  EXPECT_TRUE(text.contains(" at 409.84: not back within 30 s of watching; its backlog alone takes 12.5 s\n")) << text;
  const json document = json::parse(capacity_json(result));
  EXPECT_TRUE(document["overload"].is_null());
  EXPECT_TRUE(document["recovery"]["back_from_s"].is_null());
  EXPECT_EQ(document["curve_remark"], "more this machine cannot send");
}

TEST(capacity_report, without_a_curve_there_is_none) {
  EXPECT_FALSE(capacity_text(sample()).contains("curve"));
  EXPECT_EQ(json::parse(capacity_json(sample()))["curve"], json::array());
}

// docs/capacity-json.md: each row of a table begins with a key in backticks.
std::set<std::string> documented_keys() {
  std::ifstream file(ASSAY_DOCS "/capacity-json.md");
  EXPECT_TRUE(file.is_open());
  std::set<std::string> keys;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) keys.insert(line.substr(3, line.find('`', 3) - 3));
  }
  return keys;
}

TEST(capacity_report, every_key_is_documented_and_every_documented_key_is_there) {
  const json document = json::parse(capacity_json(with_curve()));
  std::set<std::string> keys;
  for (const json& object :
       {document, document["runs"][0], document["curve"][0], document["overload"], document["recovery"]}) {
    for (const auto& [key, value] : object.items()) keys.insert(key);
  }
  EXPECT_EQ(keys, documented_keys());
}

}  // namespace
}  // namespace assay::report
