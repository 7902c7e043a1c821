// A profile and a binding make a plan, or say what is missing.
#include "lab/plan/binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/forecast.hpp"
#include "lab/plan/read.hpp"
#include "tests/lab/plan/shop_binding.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(shop_binding, makes_the_plan_that_stands_beside_it) {
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  const std::string written = plan_yaml(made->plan, made->notes, folder_.path(""));
  EXPECT_EQ(written, file_text(ASSAY_ROOT "/subjects/shop/shop.plan.yaml"));
  const auto again = decode_plan(folder_.path("shop.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(plan_yaml(*again, made->notes, folder_.path("")), written);
  EXPECT_EQ(made->notices.size(), 3U);
}

TEST_F(shop_binding, takes_weights_and_popularity_from_the_profile) {
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->plan.workload[0].weight, 46'210);
  EXPECT_EQ(made->plan.workload[0].values.at("id").exponent, 0.87);
  EXPECT_EQ(made->plan.workload[3].values.at("id").exponent, 0.9);  // the profile has none there
}

TEST_F(shop_binding, knows_a_route_by_its_shape) {
  profile_.routes[0].path = "/items/{number}";
  profile_.routes[0].placeholders[0].name = "number";
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->plan.workload[0].name, "GET /items/{id}");
  EXPECT_EQ(made->plan.workload[0].values.at("id").exponent, 0.87);
}

TEST_F(shop_binding, refuses_an_unbound_route_aloud) {
  model::route unbound;
  unbound.method = "PUT";
  unbound.path = "/carts/{cart}";
  unbound.requests = 5'000;
  unbound.statuses = {{200, 5'000}};
  unbound.placeholders.emplace_back();
  unbound.placeholders[0].name = "cart";
  unbound.placeholders[0].shape = "uuid";
  profile_.routes.push_back(unbound);
  const std::string error = refusal();
  EXPECT_THAT(error, HasSubstr("1 of the profile's routes is not bound to data:\n  PUT /carts/{cart}"));
  EXPECT_THAT(error, HasSubstr("4.73 %\n"));
  EXPECT_THAT(error, HasSubstr("  - route: \"PUT /carts/{cart}\"\n    headers: {content-type: application/json}\n"
                               "    body: \"{body}\"\n    values:\n      cart: uuid\n"
                               "      body: {feed: put-carts-body.txt}  # fill in: no log has bodies\n"));
  EXPECT_THAT(error, HasSubstr("leave_out:\n  - {route: \"PUT /carts/{cart}\", why: \"...\"}\n"));
  // A control character of a hostile log does not reach the terminal.
  profile_.routes.back().path = "/\x1b[2J";
  EXPECT_THAT(refusal(), testing::Not(HasSubstr("\x1b")));
}

TEST_F(shop_binding, refuses_a_popularity_that_nobody_knows) {
  binding_ = changed(binding_, "exponent: 0.9, popularity: profile}}\n  - route: GET /items/{id}/image",
                     "popularity: profile}}\n  - route: GET /items/{id}/image");
  EXPECT_THAT(refusal(), HasSubstr("routes[2].values.id: the profile has no estimate of its popularity"));
}

TEST_F(shop_binding, refuses_what_is_wrong_with_the_binding) {
  const std::string good = binding_;
  binding_ = changed(good, "routes:", "rotues:");
  EXPECT_THAT(refusal(), HasSubstr(": unknown key \"rotues\"; did you mean \"routes\"?"));
  binding_ = changed(good, "  - route: GET /items\n", "  - route: GET /items/{it}\n");
  EXPECT_THAT(refusal(), HasSubstr("routes[1]: duplicate route \"GET /items/{it}\""));
  binding_ = changed(good, "  - route: GET /items\n", "  - route: GET /items\n    weight: 5\n");
  EXPECT_THAT(refusal(), HasSubstr("routes[1].weight: weights are the profile's"));
  binding_ = changed(good, "      key: uuid\n", "");
  EXPECT_THAT(refusal(), HasSubstr("routes[4].headers: {key} has no entry under values"));
}

TEST_F(shop_binding, shortens_until_the_campaign_fits) {
  for (const auto within : {20min, 9min, 6min}) {
    const auto made = bound({.full = false, .within = within, .profile_name = {}});
    ASSERT_TRUE(made.has_value()) << made.error();
    EXPECT_LE(forecast_of(made->plan).campaign_length, within);
    EXPECT_EQ(made->plan.phases[1].full_length, 10min);
  }
  const auto too_short = bound({.full = false, .within = 2min, .profile_name = {}});
  ASSERT_FALSE(too_short.has_value());
  EXPECT_THAT(too_short.error(), HasSubstr("2m is too short: 12 trials of 6 phases"));
}

TEST_F(shop_binding, full_uses_the_full_length_values) {
  const auto made = bound({.full = true, .within = {}, .profile_name = {}});
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->plan.phases[1].length, 10min);
  EXPECT_EQ(made->plan.phases[2].rate_per_s, 1000);
  EXPECT_EQ(made->plan.phases[2].length, 30s);
}

TEST_F(shop_binding, takes_the_lengths_of_sessions_from_the_profile) {
  binding_ = changed(binding_, "  - route: GET /items/{id}\n    values:\n",
                     "  - route: GET /items/{id}\n    headers: {user-agent: \"{who}\"}\n    values:\n"
                     "      who: {visitor: {single_share: 0.3, like_log: true}}\n");
  profile_.session.count = 100;
  profile_.session.requests_mean = 6.5;
  const auto without = bound();
  ASSERT_TRUE(without.has_value()) << without.error();
  EXPECT_EQ(without->plan.workload[0].values.at("who").requests_mean, 6.5);
  EXPECT_EQ(without->plan.workload[0].values.at("who").single_share, 0.3) << "of a profile that has none";
  profile_.measures.push_back({.kind = model::measure_kind::short_sessions, .of = {}, .value = 0.6});
  EXPECT_EQ(bound()->plan.workload[0].values.at("who").single_share, 0.6);
  EXPECT_THAT(bound()->notes.routes.at("GET /items/{id}"), HasSubstr("; sessions of who"));
}

// Lognormal through 8 s and 30 s: the mean is 13.6 s. At 100 requests a second 1,362 others come meanwhile; 1,024 is
// the power of two beside it.
TEST_F(shop_binding, lets_visitors_think_as_long_as_in_the_log) {
  const std::string without = binding_;
  const auto with = [&](const std::string& more) {
    binding_ = changed(without, "  - route: GET /items/{id}\n    values:\n",
                       "  - route: GET /items/{id}\n    headers: {user-agent: \"{who}\"}\n    values:\n"
                       "      who: {visitor: {requests_mean: 5, single_share: 0.3" +
                           more + "}}\n");
    const auto made = bound();
    EXPECT_TRUE(made.has_value()) << made.error();
    return made ? *made : bound_plan{};
  };
  profile_.session.count = 100;
  profile_.session.requests_mean = 6.5;
  profile_.session.think_time_p50_s = 8;
  profile_.session.think_time_p90_s = 30;
  const bound_plan made = with(", like_log: true");
  EXPECT_EQ(made.plan.workload[0].values.at("who").at_a_time, 1024U);
  EXPECT_THAT(made.notes.routes.at("GET /items/{id}"),
              HasSubstr("lie about 10.2 s apart at the baseline, in the log 13.6 s on the average"));
  profile_.session.think_time_mean_s = 20;
  profile_.session.think_time_cv = 1.3;
  const bound_plan of_mean = with(", like_log: true");
  EXPECT_EQ(of_mean.plan.workload[0].values.at("who").at_a_time, 2048U) << "the mean itself, where it is known";
  EXPECT_THAT(of_mean.notes.routes.at("GET /items/{id}"),
              HasSubstr("20.5 s apart at the baseline, in the log 20 s on the average (standard deviation over mean "
                        "0.41, in the log 1.3)"));
  profile_.session.think_time_mean_s = 0;
  EXPECT_EQ(with(", like_log: true, at_a_time: 16").plan.workload[0].values.at("who").at_a_time, 16U) << "as written";
  EXPECT_EQ(with("").plan.workload[0].values.at("who").at_a_time, 64U);
  profile_.session.think_time_p50_s = 500;
  profile_.session.think_time_p90_s = 1700;
  EXPECT_EQ(with(", like_log: true").plan.workload[0].values.at("who").at_a_time, 65'536U) << "600 s, or it is another";
  profile_.session.think_time_p50_s = profile_.session.think_time_p90_s = 0;
  EXPECT_EQ(with(", like_log: true").plan.workload[0].values.at("who").at_a_time, 64U) << "nobody came back";
}

}  // namespace
}  // namespace assay::plan
