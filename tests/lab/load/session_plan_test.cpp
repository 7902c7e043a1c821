// What a file of sessions may say, as far as lab/load knows better than the reader; and the think times.
#include "lab/load/session_plan.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "lab/load/think_draw.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

struct plan_of_sessions : ::testing::Test {
  plan_of_sessions() {
    options.url = "http://127.0.0.1:8080/";
    scenarios = {{.name = "buy", .rate_per_s = 5, .place = "s.yaml:2:5"}};
    add("GET", "/a");
    add("GET", "/b");
  }
  model::scenario_step& add(const std::string& method, const std::string& target) {
    scenarios[0].steps.push_back({.request = route(method, target)});
    model::scenario_step& added = scenarios[0].steps.back();
    added.place = "s.yaml:" + std::to_string(scenarios[0].steps.size() * 10) + ":9";
    return added;
  }
  std::string refusal() const {
    const auto plan = plan_sessions(scenarios, options);
    return plan ? "it was planned" : plan.error();
  }
  load_options options;
  std::vector<model::scenario> scenarios;
};

TEST_F(plan_of_sessions, names_the_place_of_a_placeholder_without_a_value) {
  scenarios[0].steps[1].request.target = "/b/{id}";
  EXPECT_EQ(refusal(),
            "s.yaml:20:9: {id}: expected a value for it: an extract of an earlier step, values of the step or the "
            "scenario, or --feed id=...");
  scenarios[0].steps[1].takes = {{.name = "id", .what = "id"}};
  EXPECT_TRUE(refusal().starts_with("s.yaml:20:9: {id}: expected a value")) << "its own answer comes too late";
  scenarios[0].steps[0].takes = {{.name = "id", .what = "id"}};
  const auto plan = plan_sessions(scenarios, options);
  ASSERT_TRUE(plan) << plan.error();
  ASSERT_EQ(plan->scenarios[0].steps[1].given.size(), 1U);
  EXPECT_EQ(plan->scenarios[0].variables, std::vector<std::string>{"id"});
}

TEST_F(plan_of_sessions, takes_a_feed_until_the_name_is_extracted) {
  scenarios[0].steps[0].request.target = "/a/{id}";
  scenarios[0].steps[0].takes = {{.name = "id", .what = "id"}};
  scenarios[0].steps[1].request.target = "/b/{id}";
  options.feeds["id"] = integers(model::value_source::kind::integer, 1, 9);
  const auto plan = plan_sessions(scenarios, options);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_TRUE(plan->scenarios[0].steps[0].given.empty());
  EXPECT_EQ(plan->scenarios[0].steps[1].given.size(), 1U);
}

TEST_F(plan_of_sessions, says_where_a_path_or_a_check_is_wrong) {
  scenarios[0].steps[0].takes = {{.name = "id", .what = "a=7"}};
  EXPECT_EQ(refusal(),
            "s.yaml:10:9: extract.id: expected a path such as data.items[0].id, [\"odd.name\"] or $ for the whole");
  scenarios[0].steps[0].takes = {{.name = "id", .from = model::extraction::kind::header, .what = "a b"}};
  EXPECT_EQ(refusal(), "s.yaml:10:9: extract.id: expected the name of a header field");
  scenarios[0].steps[0].takes.clear();
  scenarios[0].steps[1].checks = {"stat=1"};
  EXPECT_TRUE(refusal().starts_with("s.yaml:20:9: check \"stat=1\": expected status=200,404")) << refusal();
}

TEST_F(plan_of_sessions, has_one_rate_for_each_scenario) {
  options.rate_per_s = 3;
  EXPECT_TRUE(refusal().starts_with("s.yaml:2:5: a rate in the file, and one typed")) << refusal();
  scenarios[0].rate_per_s.reset();
  EXPECT_EQ(plan_sessions(scenarios, options)->scenarios[0].rate_per_s, 3);
  options.rate_per_s.reset();
  EXPECT_EQ(refusal(), "s.yaml:2:5: expected its rate, sessions a second: here, -R or --stage");
  scenarios.push_back(scenarios[0]);
  EXPECT_EQ(refusal(), "s.yaml:2:5: missing key \"rate\": sessions a second, or \"stages\"");
}

TEST_F(plan_of_sessions, takes_the_stages_of_a_scenario) {
  scenarios[0].rate_per_s.reset();
  scenarios[0].stages = {"10s@20", "2x(5s@20*10, 10s@20)"};
  const auto plan = plan_sessions(scenarios, options);
  ASSERT_TRUE(plan) << plan.error();
  EXPECT_EQ(plan->work.length(), 40s);
  ASSERT_EQ(plan->work.stages.size(), 5U);
  EXPECT_TRUE(plan->work.stages[3].is_burst());
  EXPECT_TRUE(plan->work.keep_seconds) << "of the bursts";
  EXPECT_EQ(plan->scenarios[0].rate_per_s, (30 * 20 + 10 * 200) / 40.0);
}

TEST_F(plan_of_sessions, joins_the_stages_of_several_scenarios) {
  scenarios.push_back(scenarios[0]);
  scenarios[0].stages = {"10s@20", "5s@20*10", "15s@20"};
  scenarios[0].rate_per_s.reset();
  scenarios[1].name = "look";
  const auto beside_a_rate = plan_sessions(scenarios, options);
  ASSERT_TRUE(beside_a_rate) << beside_a_rate.error();
  ASSERT_EQ(beside_a_rate->work.stages.size(), 3U);
  EXPECT_EQ(beside_a_rate->work.stages[1].rate_per_s, 205) << "of all together";
  EXPECT_EQ(beside_a_rate->work.stages[1].burst_of_per_s, 25);
  EXPECT_EQ(beside_a_rate->scenarios[1].stages.size(), 1U) << "each keeps its own";
  EXPECT_EQ(beside_a_rate->scenarios[1].stages[0].length, 30s);

  scenarios[1].rate_per_s.reset();
  scenarios[1].stages = {"12s@5"};
  const auto shorter = plan_sessions(scenarios, options);
  ASSERT_TRUE(shorter) << shorter.error();
  ASSERT_EQ(shorter->scenarios[1].stages.size(), 2U) << "no more sessions of it after that";
  EXPECT_EQ(shorter->scenarios[1].stages[1].rate_per_s, 0);
  EXPECT_EQ(shorter->scenarios[1].stages[1].length, 18s);
  EXPECT_EQ(shorter->scenarios[1].rate_per_s, 2) << "the mean of the run";
}

TEST_F(plan_of_sessions, says_which_stage_is_wrong) {
  scenarios[0].rate_per_s.reset();
  scenarios[0].stages = {"10s@20", "10s"};
  EXPECT_TRUE(refusal().starts_with("s.yaml:2:5: stages[1]: \"10s\": expected LENGTH@RATE")) << refusal();
  scenarios[0].stages = {"10s@20~30/1s"};
  EXPECT_EQ(refusal(),
            "s.yaml:2:5: stages[0]: 20~30/1s: expected a swing of at most the mean, since no rate is below zero");
  scenarios[0].stages = {"10s@0"};
  EXPECT_EQ(refusal(), "s.yaml:2:5: stages: expected one with a rate above 0");
  scenarios[0].stages = {"40x(1s@1)", "25x(1s@1)"};
  EXPECT_EQ(refusal(), "s.yaml:2:5: stages[1]: expected at most 64 stages in all");
  scenarios[0].stages = {"33x(2s@1)"};
  scenarios.push_back(scenarios[0]);
  scenarios[1].stages = {"1s@1", "33x(2s@2)"};
  EXPECT_TRUE(refusal().starts_with("the stages of all scenarios make 67 stages of the run")) << refusal();
  options.rate_per_s = 1;
  EXPECT_TRUE(refusal().starts_with("s.yaml:2:5: a rate in the file, and one typed")) << refusal();
}

TEST_F(plan_of_sessions, refuses_what_sessions_do_not_have) {
  options.threads = 2;
  EXPECT_EQ(refusal(), "threads -t: expected 1, sessions run on one thread");
  options.threads = 1;
  options.keep_seconds = true;
  options.length = std::chrono::hours(4) + 1s;
  EXPECT_TRUE(refusal().starts_with("duration -d: expected at most 4 h where seconds are kept of sessions"))
      << refusal();
  options.length = 1s;
  options.keep_seconds = false;
  scenarios[0].steps[1].request = route("GET", "/a");
  EXPECT_EQ(refusal(), "two steps \"buy/GET /a\": expected a name of its own for one of them");
  scenarios[0].steps[1].request = route("GET", "/b");
  scenarios[0].steps[1].request.headers = {{"Cookie", "a=b"}};
  EXPECT_TRUE(refusal().starts_with("s.yaml:20:9: a header cookie beside the session's own")) << refusal();
  scenarios[0].cookies = false;
  EXPECT_EQ(refusal(), "it was planned");
}

TEST_F(plan_of_sessions, refuses_a_session_value_that_would_break_the_request) {
  scenarios[0].steps[1].request.target = "/b/{id}";
  scenarios[0].values["id"] = {.from = model::value_source::kind::choice, .choices = {"a", "b c"}};
  EXPECT_EQ(refusal(), "s.yaml:2:5: {id}: expected what a URL or a header may hold");
}

double mean_of(const model::think_time& how, double& variance) {
  constexpr int count = 200'000;
  double sum = 0, squares = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double seconds = std::chrono::duration<double>(draw_think(how, draw_stream(mix(i)))).count();
    sum += seconds;
    squares += seconds * seconds;
  }
  variance = squares / count - sum * sum / count / count;
  return sum / count;
}

TEST(think_draw, an_exponential_pause_has_its_mean_and_deviation) {
  double variance = 0;
  EXPECT_NEAR(mean_of({.law = model::think_time::kind::exponential, .mean = 2s}, variance), 2, 0.02);
  EXPECT_NEAR(std::sqrt(variance), 2, 0.04);
}

TEST(think_draw, a_lognormal_pause_has_its_mean_and_cv) {
  double variance = 0;
  EXPECT_NEAR(mean_of({.law = model::think_time::kind::lognormal, .mean = 2s, .cv = 0.5}, variance), 2, 0.02);
  EXPECT_NEAR(std::sqrt(variance), 1, 0.03);
}

TEST(think_draw, a_constant_pause_is_constant_and_none_is_longer_than_a_day) {
  EXPECT_EQ(draw_think({.mean = 1500ms}, draw_stream(1)), 1500ms);
  EXPECT_EQ(draw_think({.mean = 48h}, draw_stream(1)), max_think);
}

}  // namespace
}  // namespace assay::load
