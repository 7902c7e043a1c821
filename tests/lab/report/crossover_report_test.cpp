#include "lab/report/crossover_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace assay::report {
namespace {

using nlohmann::json;

model::crossover_result some_crossover() {
  model::crossover_result of{.urls = {"http://a/", "http://b/"}, .run_length_s = 10, .repeats = 5};
  for (const unsigned connections : {1U, 8U}) {
    model::crossover_level level{.connections = connections};
    level.sides[0].good_rps = {990, 1010};
    level.sides[0].throughput = model::estimate{1000, 873, 1127, 2};
    level.sides[0].p99 = model::estimate{1.5, 1.4, 1.6, 2};
    level.sides[1].good_rps = {1980, 2020};
    level.sides[1].throughput = model::estimate{2000, 1750, 2254, 2};
    level.throughput = {.ratio = model::estimate{2, 1.9, 2.1, 2},
                        .margin = 0.05,
                        .p_value = 0.001,
                        .verdict = connections == 8 ? model::finding::better : model::finding::equivalent,
                        .why = "made up"};
    of.levels.push_back(level);
  }
  of.levels[1].sides[1].invalid = 3;
  of.levels[1].sides[1].why_invalid = "generator out of CPU";
  of.outcome = model::crossover_outcome::crosses;
  of.better_from = 8;
  of.not_better_until = 1;
  return of;
}

TEST(crossover_report, begins_with_where_it_crosses_and_lists_the_levels) {
  EXPECT_EQ(crossover_text(some_crossover()), R"(B is better from 8 connections on, and not up to 1
A http://a/
B http://b/
closed model, 5 runs of 10s each at each level, in turns; good answers a second, 95 %
  connections   throughput                    p99 of the service time           B against A
            1 A 1000 (873 to 1127)            1.50ms (1.40ms to 1.60ms)
              B 2000 (1750 to 2254)           -                                 equivalent 2x, p99 not estimable
            8 A 1000 (873 to 1127)            1.50ms (1.40ms to 1.60ms)
              B 2000 (1750 to 2254)           -                                 better 2x, p99 not estimable
3 INVALID runs are left out: generator out of CPU
)");
}

TEST(crossover_report, says_so_where_there_is_none) {
  model::crossover_result of = some_crossover();
  const auto says = [&of](model::crossover_outcome outcome, std::string_view what) {
    of.outcome = outcome;
    const std::string text = crossover_text(of);
    EXPECT_TRUE(text.starts_with(what)) << text;
  };
  says(model::crossover_outcome::always, "no crossover: B is better at every level, from 8 connections on\n");
  says(model::crossover_outcome::never, "no crossover: B is not better at 8 connections\n");
  says(model::crossover_outcome::inconclusive, "inconclusive: B is better from 8 connections on, below it ");
  of.better_from.reset();
  says(model::crossover_outcome::inconclusive, "inconclusive: at the highest level the runs do not tell\n");
}

TEST(crossover_report, a_run_is_a_line) {
  model::load_result seen;
  seen.valid = true;
  seen.good_rps = 1234.5;
  EXPECT_EQ(crossover_run_text(1, 1, seen), "B at 1 connection: 1234.5 req/s, p99 -");
  seen.valid = false;
  seen.reasons = {"generator out of CPU"};
  EXPECT_EQ(crossover_run_text(8, 0, seen), "A at 8 connections: 1234.5 req/s, p99 -: INVALID: generator out of CPU");
}

TEST(crossover_report, every_key_is_documented) {
  const json document = json::parse(crossover_json(some_crossover()));
  std::ifstream file(ASSAY_DOCS "/load.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const json& level = document["levels"][1];
  for (const json& object : {document, level, level["a"], level["a"]["good_rps"], level["throughput_b_over_a"]}) {
    for (const auto& [key, value] : object.items()) EXPECT_TRUE(page.contains("`" + key + "`")) << key;
  }
  EXPECT_EQ(document["outcome"], "crosses");
  EXPECT_EQ(document["better_from_connections"], 8);
  EXPECT_EQ(level["b"]["invalid_runs"], 3);
  EXPECT_EQ(level["throughput_b_over_a"]["finding"], "better");
  EXPECT_TRUE(level["b"]["service_p99_ms"].is_null());
}

}  // namespace
}  // namespace assay::report
