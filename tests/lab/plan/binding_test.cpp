// A profile and a binding make a plan, or say what is missing.
#include "lab/plan/binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/model/profile_json.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/read.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// The shop as it stands in the tree, with candidates that need not be built.
class shop_binding : public testing::Test {
 protected:
  shop_binding() : binding_(file_text(ASSAY_ROOT "/subjects/shop/binding.yaml")) {
    for (const char* name : {"schema.sql", "seed.sql", "reset.sql", "conformance.yaml"}) folder_.write(name, "\n");
    for (const char* name : {"flask", "fastapi", "fastapi-blocking", "cpp"}) {
      folder_.write(std::string(name) + "/candidate.yaml",
                    std::string("{name: ") + name + ", command: [x, \"{port}\"]}\n");
    }
    auto read = model::read_profile(ASSAY_ROOT "/tests/lab/plan/data/shop.profile.json");
    EXPECT_TRUE(read.has_value()) << read.error();
    if (read) profile_ = std::move(*read);
  }

  std::expected<bound_plan, std::string> bound(bind_options options = {}) {
    folder_.write("binding.yaml", binding_);
    options.profile_name = "shop.profile.json";
    return bind_profile(profile_, folder_.path("binding.yaml"), options);
  }
  std::string refusal() {
    const auto made = bound();
    return made ? "it was not refused" : made.error();
  }

  plan_folder folder_;
  std::string binding_;
  model::profile profile_;
};

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
                               "      body: {feed: body.txt}\n"));
  EXPECT_THAT(error, HasSubstr("leave_out:\n  - {route: \"PUT /carts/{cart}\", why: \"...\"}\n"));
  // A control character of a hostile log does not reach the terminal.
  profile_.routes.back().path = "/\x1b[2J";
  EXPECT_THAT(refusal(), testing::Not(HasSubstr("\x1b")));
}

TEST_F(shop_binding, lines_to_paste_are_right_but_for_what_only_the_user_knows) {
  model::route unbound;
  unbound.method = "GET";
  unbound.path = "/search/{page}";
  unbound.requests = 5'000;
  unbound.statuses = {{200, 5'000}};
  unbound.query_keys = {{"filter[x]", 9}, {"filter(x)", 9}, {"page", 9}};
  unbound.placeholders.emplace_back();
  unbound.placeholders[0].name = "page";
  unbound.placeholders[0].shape = "integer";
  unbound.placeholders[0].least = 1;
  unbound.placeholders[0].greatest = 9;
  profile_.routes.push_back(unbound);
  const std::string error = refusal();
  const std::string lines =
      "  - route: \"GET /search/{page}\"\n"
      "    target: \"/search/{page}?filter(x)={filter_x_}&filter[x]={filter_x__}&page={page_}\"\n"
      "    values:\n"
      "      page: {integer: [1, 9]}\n"
      "      filter_x_: {feed: filter_x_.txt}\n"
      "      filter_x__: {feed: filter_x__.txt}\n"
      "      page_: {feed: page_.txt}\n";
  EXPECT_THAT(error, HasSubstr(lines));
  // Pasted and forgotten, they send nothing.
  binding_ = changed(binding_, "routes:\n", "routes:\n" + lines);
  EXPECT_THAT(refusal(), HasSubstr("filter_x_.txt"));
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

TEST_F(shop_binding, has_usual_phases_and_rates_of_its_own) {
  const std::size_t phases = binding_.find("# Rates are of");
  binding_.erase(phases, binding_.find("dependencies:") - phases);
  binding_ = changed(binding_, "baseline_rate: 100\n", "");
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  ASSERT_EQ(made->plan.phases.size(), 7U);
  EXPECT_EQ(made->plan.phases[1].rate_per_s, 1.25);  // the median hour
  EXPECT_EQ(made->plan.phases[2].rate_per_s, 3.75);  // the busiest
  EXPECT_EQ(made->plan.phases[3].rate_per_s, 12.5);
  EXPECT_EQ(made->plan.phases[5].faults.at(0).dependency, "database");
  profile_.arrival = {};
  EXPECT_THAT(refusal(), HasSubstr("the profile has no rate; write a \"baseline_rate\""));
}

}  // namespace
}  // namespace assay::plan
