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
  const json document = json::parse(capacity_json(sample()));
  std::set<std::string> keys;
  for (const auto& [key, value] : document.items()) keys.insert(key);
  for (const auto& [key, value] : document["runs"][0].items()) keys.insert(key);
  EXPECT_EQ(keys, documented_keys());
}

}  // namespace
}  // namespace assay::report
