// A binding to begin with: what the profile and the service's description tell is filled in, the rest is marked.
#include "lab/plan/draft_binding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/openapi.hpp"
#include "tests/lab/plan/shop_binding.hpp"

namespace assay::plan {
namespace {

using testing::HasSubstr;

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

// What the service's own description says of a body, as a template, and from where; nothing of it silently.
TEST_F(shop_binding, may_begin_with_bodies_of_a_description) {
  const auto api = openapi_routes_in("api.yaml", R"(openapi: 3.0.3
paths:
  /orders:
    post:
      requestBody:
        content:
          application/json:
            schema:
              type: object
              required: [customer, quantity]
              properties: {customer: {type: string, example: jo}, quantity: {type: integer}}
  /checksum:
    post: {requestBody: {content: {application/json: {schema: {type: string, pattern: "a+"}}}}}
)");
  ASSERT_TRUE(api.has_value()) << api.error();
  const drafted_binding drafted =
      draft_binding(profile_, "shop.profile.json", {.bodies = api->bodies, .file = "api.yaml"});
  EXPECT_EQ(drafted.bodies, 1U);
  EXPECT_THAT(drafted.text, HasSubstr("    headers: {content-type: application/json}\n"
                                      "    # fill in: drafted from api.yaml, which has no example of /quantity\n"
                                      "    body: \"{{\\\"customer\\\":\\\"jo\\\",\\\"quantity\\\":1}}\"\n"));
  EXPECT_THAT(drafted.text,
              HasSubstr("body: {feed: post-checksum-body.txt}  # fill in: no log has bodies; of api.yaml: "
                        "nothing is made of a pattern\n"));
  binding_ = changed(drafted.text, "candidates: []", "candidates: [flask/candidate.yaml]");
  for (const char* name : {"post-checksum-body", "items-category", "items-page"})
    folder_.write(std::string(name) + ".txt", "x\n");
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error() << binding_;
  const auto order = std::ranges::find(made->plan.workload, "POST /orders", &model::bound_route::name);
  ASSERT_NE(order, made->plan.workload.end());
  EXPECT_EQ(order->body, R"({{"customer":"jo","quantity":1}})");
}

}  // namespace
}  // namespace assay::plan
