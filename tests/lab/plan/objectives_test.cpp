// Objectives are read strictly, proposed from what the log shows, and carried by the plan.
#include "lab/plan/objectives.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/read.hpp"
#include "lab/plan/write.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using testing::HasSubstr;

TEST(objectives, are_read_as_they_are_typed) {
  const auto time = parse_objective("p99.9[GET /items/{id}]<1.5s");
  ASSERT_TRUE(time.has_value()) << time.error();
  EXPECT_EQ(time->of, model::objective::kind::quantile);
  EXPECT_DOUBLE_EQ(time->quantile, 0.999);
  EXPECT_EQ(time->limit, 1.5e9);
  EXPECT_EQ(time->route, "GET /items/{id}");
  EXPECT_EQ(time->text, "p99.9[GET /items/{id}]<1.5s");
  const auto errors = parse_objective("errors<0.1%");
  ASSERT_TRUE(errors.has_value()) << errors.error();
  EXPECT_EQ(errors->of, model::objective::kind::error_share);
  EXPECT_DOUBLE_EQ(errors->limit, 0.001);
  EXPECT_EQ(parse_objective("errors<1")->limit, 1);
}

TEST(objectives, that_mean_nothing_are_refused) {
  for (const char* bad : {"", "p99", "p99<", "p99<100", "p100<1s", "p0<1s", "p-1<1s", "p99>100ms", "errors<0%",
                          "errors<101%", "errors<nan", "p99[]<1s", "p99[GET /a<1s", "p99GET /a]<1s", "p99[GET /a] <1s",
                          "p99<0ms", "mean<1s", "p99<1s,p50<1s"}) {
    EXPECT_FALSE(parse_objective(bad).has_value()) << bad;
  }
}

model::profile with_statuses(std::map<int, std::uint64_t> statuses) {
  model::profile made;
  made.statuses = std::move(statuses);
  return made;
}

TEST(objectives, propose_an_error_budget_that_is_rounded_up) {
  // Wilson's interval of 40 of 10,000 is 0.29 % to 0.54 %.
  const proposals seen = propose_objectives(with_statuses({{200, 9'460}, {404, 500}, {502, 40}}), {});
  ASSERT_EQ(seen.each.size(), 1U);
  EXPECT_EQ(seen.each[0].text, "errors<0.7%");
  EXPECT_EQ(seen.each[0].why,
            "of the log's 10000 requests the service failed 40 with 5xx: 0.4 % [0.29, 0.54]; 5 % had 4xx, which a run "
            "counts too unless `expected` names them");
  ASSERT_EQ(seen.remarks.size(), 1U);
  EXPECT_THAT(seen.remarks[0], HasSubstr("no response time is proposed: the log has no durations"));
  // Nothing failed: the budget is what so many requests can tell, and a trial.
  EXPECT_EQ(propose_objectives(with_statuses({{200, 100'000}}), {}).each.at(0).text, "errors<0.1%");
  EXPECT_EQ(propose_objectives(with_statuses({{200, 100}}), {}).each.at(0).text, "errors<5%");
  EXPECT_EQ(propose_objectives(with_statuses({{500, 100}}), {}).each.at(0).text, "errors<100%");
  EXPECT_TRUE(propose_objectives({}, {}).each.empty());
}

TEST(objectives, propose_times_where_the_log_has_durations) {
  model::profile profile = with_statuses({{200, 5'000}});
  profile.serving.latency =
      model::durations{.requests = 5'000, .mean_s = 0.02, .p50_s = 0.0123, .p90_s = 0.05, .p99_s = 0.083};
  model::route items;
  items.method = "GET";
  items.path = "/items/{id}";
  items.latency = model::durations{.requests = 999, .mean_s = 0.02, .p50_s = 0.004, .p90_s = 0.05, .p99_s = 0.3};
  profile.routes.push_back(items);
  items.path = "/rare";
  items.latency->requests = 19;
  profile.routes.push_back(items);
  items.path = "/coarse";  // of whole seconds
  items.latency = model::durations{.requests = 5'000, .mean_s = 0.02, .p50_s = 0, .p90_s = 1, .p99_s = 2};
  profile.routes.push_back(items);
  std::vector<model::bound_route> workload(4);
  workload[0].name = "GET /items/{item}";
  workload[1].name = "GET /rare";
  workload[2].name = "GET /coarse";
  workload[3].name = "GET /new";
  const proposals seen = propose_objectives(profile, workload);
  std::vector<std::string> texts;
  for (const proposed_objective& each : seen.each) {
    texts.push_back(each.text);
    EXPECT_TRUE(parse_objective(each.text).has_value()) << each.text;
  }
  EXPECT_THAT(texts, testing::ElementsAre("errors<0.1%", "p50<15ms", "p99<100ms", "p50[GET /items/{item}]<5ms",
                                          "p99[GET /coarse]<2s"));
  EXPECT_EQ(seen.each[2].why, "p99 of 5000 requests in the log was 83 ms, as the server saw it; rounded up");
  EXPECT_TRUE(seen.remarks.empty());
}

TEST(objectives, stand_in_the_plan_and_in_what_is_written) {
  const plan_folder folder;
  const std::string text =
      changed(good_plan, "workload:\n",
              "objectives: [\"p99[GET /items/{id}]<80ms\"]\nproposed_objectives: [\"errors<0.1%\"]\nworkload:\n");
  const auto read = decode_plan(folder.path("p.plan.yaml"), text);
  ASSERT_TRUE(read.has_value()) << read.error();
  ASSERT_EQ(read->objectives.size(), 1U);
  ASSERT_EQ(read->proposed.size(), 1U);
  plan_notes notes;
  notes.objective["errors<0.1%"] = "the reason";
  const std::string written = plan_yaml(*read, notes, folder.path(""));
  EXPECT_THAT(written, HasSubstr("objectives:\n  - \"p99[GET /items/{id}]<80ms\"\n"));
  EXPECT_THAT(written, HasSubstr("proposed_objectives:\n  # the reason\n  - \"errors<0.1%\"\n"));
  const auto again = decode_plan(folder.path("p.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(plan_yaml(*again, notes, folder.path("")), written);
  const auto error = [&](const std::string& from, const std::string& to) {
    const auto wrong = decode_plan(folder.path("p.plan.yaml"), changed(text, from, to));
    return wrong ? std::string("it was taken") : wrong.error();
  };
  EXPECT_THAT(error("p99[", "p990["), HasSubstr(":6:14: objectives[0]: expected an objective such as p99<100ms"));
  EXPECT_THAT(error("/items/{id}]", "/item/{id}]"),
              HasSubstr("objectives[0]: no route is called \"GET /item/{id}\"; did"));
  EXPECT_THAT(error("errors<0.1%", "errors<0.1ms"), HasSubstr("proposed_objectives[0]: expected an objective"));
}

}  // namespace
}  // namespace assay::plan
