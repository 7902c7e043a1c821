// A profile and a binding make a plan, or say what is missing.
#include "lab/plan/binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/model/profile_json.hpp"
#include "lab/plan/draft_binding.hpp"
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
                               "      body: {feed: put-carts-body.txt}  # fill in: no log has bodies\n"));
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
      "      filter_x_: {feed: search-filter_x_.txt}  # fill in: what the log has is not kept\n"
      "      filter_x__: {feed: search-filter_x__.txt}  # fill in: what the log has is not kept\n"
      "      page_: {feed: search-page_.txt}  # fill in: what the log has is not kept\n";
  EXPECT_THAT(error, HasSubstr(lines));
  // Pasted and forgotten, they send nothing.
  binding_ = changed(binding_, "routes:\n", "routes:\n" + lines);
  EXPECT_THAT(refusal(), HasSubstr("search-filter_x_.txt"));
}

// Refused for what nobody but the user knows, piece by piece; filled in, it makes a plan.
TEST_F(shop_binding, may_begin_with_a_draft) {
  model::route& odd = profile_.routes.emplace_back();
  odd.method = "GET";
  odd.path = "/a \"quoted\": path";
  odd.requests = 9'000;
  odd.statuses = {{200, 9'000}};
  model::route& by_name = profile_.routes.emplace_back(odd);
  by_name.path = "/users/{name}/posts";
  model::placeholder& who = by_name.placeholders.emplace_back();
  who.name = "name";
  who.shape = "slug";
  who.distinct = 40;
  const drafted_binding drafted = draft_binding(profile_, "shop.profile.json");
  binding_ = drafted.text;
  EXPECT_EQ(drafted.routes, 8U);
  EXPECT_EQ(drafted.left_out, 2U);
  EXPECT_EQ(drafted.marks, 6U) << "candidates, two keys of a query, two bodies, a name";
  EXPECT_THAT(binding_, HasSubstr("\nname: shop\n"));
  EXPECT_THAT(binding_, HasSubstr("# 1x is the log's median hour, 1.25/s; its busiest hour had 3.75/s."));
  EXPECT_THAT(binding_,
              HasSubstr("      name: {feed: users-name.txt}  # fill in: the log has 40 values of shape slug"));
  EXPECT_THAT(binding_, HasSubstr("\nleave_out:\n  - {route: \"GET /health/live\""));
  EXPECT_THAT(binding_, HasSubstr("  - route: \"GET /items/{id}\"\n    values:\n      id: {zipf: {low: "));
  EXPECT_THAT(binding_, HasSubstr("    body: \"{body}\"\n"));
  EXPECT_THAT(refusal(), HasSubstr("candidates: expected 1 to 1000 items, found 0"));
  binding_ = changed(binding_, "candidates: []", "candidates: [flask/candidate.yaml]");
  EXPECT_THAT(refusal(), HasSubstr("items-category.txt: no such file"));
  for (const char* name : {"post-orders-body", "post-checksum-body", "items-category", "items-page", "users-name"})
    folder_.write(std::string(name) + ".txt", "x\n");
  EXPECT_THAT(refusal(), HasSubstr("does not fit a request target, which holds no spaces"));
  binding_ = changed(binding_, "GET /a \\\"quoted\\\": path", "GET /a/plain");
  profile_.routes[profile_.routes.size() - 2].path = "/a/plain";
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error() << binding_;
  EXPECT_EQ(made->plan.workload.size(), 8U);
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
  ASSERT_EQ(made->plan.phases.size(), 10U);
  EXPECT_EQ(made->plan.phases[1].rate_per_s, 1.25);  // the median hour
  EXPECT_EQ(made->plan.phases[2].rate_per_s, 3.75);  // the busiest
  EXPECT_EQ(made->plan.phases[3].rate_per_s, 2.5);
  EXPECT_EQ(made->plan.phases[3].shape.size(), 5U);
  EXPECT_EQ(made->plan.phases[4].rate_per_s, 12.5);
  EXPECT_EQ(made->plan.phases[6].faults.at(0).dependency, "database");
  EXPECT_EQ(made->plan.phases[8].faults.at(0).kind, model::fault_kind::outage);
  EXPECT_EQ(made->notes.phase.at("peak"), "the log's busiest hour");
  profile_.arrival = {};
  EXPECT_THAT(refusal(), HasSubstr("the profile has no rate; write a \"baseline_rate\""));
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

const model::phase* find_phase(const bound_plan& in, const std::string& name) {
  const auto found = std::ranges::find(in.plan.phases, name, &model::phase::name);
  return found == in.plan.phases.end() ? nullptr : &*found;
}

// Bursts, the day and the worst burst, once the profile knows of them; and with them the reasons in the file.
TEST_F(shop_binding, has_usual_phases_like_the_log) {
  const std::size_t phases = binding_.find("# Rates are of");
  binding_.erase(phases, binding_.find("dependencies:") - phases);
  profile_.arrival.dispersion = {{1, 1.51239}, {10, 0.9}, {60, 7.0}, {300, 9.0}};
  profile_.arrival.hour_of_day = std::vector<double>(24, 0.5);
  profile_.arrival.hour_of_day[12] = 12.5;
  profile_.arrival.worst_minute = std::vector<std::uint64_t>(60, 1);
  profile_.arrival.worst_minute[30] = 19;
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  ASSERT_EQ(made->plan.phases.size(), 12U);
  const model::phase* const peak = find_phase(*made, "peak");
  ASSERT_NE(peak, nullptr);
  EXPECT_EQ(peak->bursts->dispersion, (std::map<int, double>{{1, 1.512}, {10, 1.0}, {60, 7.0}}));
  EXPECT_NEAR(peak->bursts->of_rate_per_s, 1.165 * (23 * 0.25 + 12.5 * 12.5) / 24, 0.01);
  const model::phase* const day = find_phase(*made, "daily-cycle");
  ASSERT_NE(day, nullptr);
  EXPECT_EQ(day->shape, profile_.arrival.hour_of_day);
  EXPECT_TRUE(day->bursts.has_value());
  const model::phase* const worst = find_phase(*made, "worst-burst");
  ASSERT_NE(worst, nullptr);
  EXPECT_NEAR(worst->rate_per_s, 78.0 / 60 * (100 / 1.25), 1e-9) << "scaled as the baseline is";
  EXPECT_EQ(worst->shape.at(30), 19);
  EXPECT_FALSE(worst->bursts.has_value());
  EXPECT_FALSE(find_phase(*made, "burst")->bursts.has_value());
  const std::string written = plan_yaml(made->plan, made->notes, folder_.path(""));
  EXPECT_THAT(written,
              HasSubstr("  # the worst burst that was seen, its rate scaled as the baseline is; the worst minute "
                        "of the log, a second after the other\n  - name: worst-burst\n"));
  EXPECT_THAT(written, HasSubstr("the variance of the counts over their mean is 1.512 at 1 s, 1 at 10 s, 7 at 60 s\n"));
  const auto again = decode_plan(folder_.path("shop.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(plan_yaml(*again, made->notes, folder_.path("")), written);
}

TEST_F(shop_binding, may_ask_for_phases_like_the_log) {
  const std::size_t phases = binding_.find("# Rates are of");
  binding_.erase(phases, binding_.find("dependencies:") - phases);
  const std::string without = binding_;
  const auto with = [&](const std::string& keys) {
    binding_ = without + "\nphases:\n  - {name: a, kind: steady, rate: 1x, length: 10m, " + keys + "}\n";
  };
  with("like_log: hour");
  EXPECT_THAT(refusal(),
              HasSubstr("phases[0].like_log: the profile does not know how requests crowd: its log is too short"));
  with("like_log: day");
  EXPECT_THAT(refusal(), HasSubstr("does not know the shape of a day: its log is too short"));
  with("like_log: worst-minute");
  EXPECT_THAT(refusal(), HasSubstr("its worst minute: its log is shorter, or it is of an older assay"));
  with("like_log: hour, shape: [1, 2]");
  EXPECT_THAT(refusal(), HasSubstr("\"like_log\" takes shape and bursts from the profile"));
  profile_.arrival.dispersion = {{10, 4.0}};
  with("like_log: hour");
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->plan.phases[0].bursts->dispersion, (std::map<int, double>{{10, 4.0}}));
  EXPECT_THAT(made->notes.phase.at("a"), HasSubstr("is 4 at 10 s"));
}

}  // namespace
}  // namespace assay::plan
