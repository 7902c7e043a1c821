// The routes of a service's own description.
#include "lab/plan/openapi.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

openapi_found found_in(const std::string& text) {
  const auto read = openapi_routes_in("api.yaml", text);
  EXPECT_TRUE(read.has_value()) << read.error();
  return read.value_or(openapi_found{});
}

TEST(openapi, names_methods_and_paths_behind_the_first_servers) {
  const auto found = found_in(R"(openapi: 3.0.3
info: {title: shop, version: "1"}
servers: [{url: "https://api.example.com/v1/"}, {url: "https://other.example.com/v2"}]
paths:
  /items/{id}:
    parameters: [{name: id, in: path}]
    summary: an item
    get: {responses: {"200": {description: found}}}
    delete: {responses: {"204": {description: gone}}}
  /items: {get: {}, post: {}}
  /: {get: {}}
  x-internal: {get: {}}
)");
  EXPECT_THAT(found.routes, ElementsAre("GET /v1/", "GET /v1/items", "POST /v1/items", "DELETE /v1/items/{id}",
                                        "GET /v1/items/{id}"));
  EXPECT_TRUE(found.left_out.empty());
}

TEST(openapi, of_swagger_2_and_json_too) {
  const auto found = found_in(R"({"swagger": "2.0", "basePath": "/api", "paths": {"/users/{user.name}": {"get": {}},
    "/users/me": {"get": {}}, "/files/{name}.png": {"head": {}}, "/v/{name}:cancel": {"post": {}}}})");
  EXPECT_THAT(found.routes, ElementsAre("GET /api/users/me", "GET /api/users/{user_name}", "HEAD /api/files/{name}.png",
                                        "POST /api/v/{name}:cancel"))
      << "what is plain is meant, and comes first";
}

// Larger than any file of ours: schemas of a real service are by the thousand, and nest.
TEST(openapi, may_be_large) {
  std::string text = "openapi: 3.0.0\npaths:\n";
  for (int i = 0; i < 1500; ++i) text += "  /r" + std::to_string(i) + ": {get: {}}\n";
  text += "components:\n  schemas:\n";
  for (int i = 0; i < 3000; ++i) text += "    s" + std::to_string(i) + ": {a: {b: {c: {d: {e: {f: {g: {}}}}}}}}\n";
  EXPECT_EQ(found_in(text).routes.size(), 1500U);
}

TEST(openapi, of_json_with_characters_beyond_16_bits) {
  const auto found = found_in(R"({"openapi": "3.0.0", "info": {"title": "\ud83d\ude00 \\ud83d \u00e9\/"},
    "paths": {"\/a": {"get": {}}}})");
  EXPECT_THAT(found.routes, ElementsAre("GET /a"));
}

TEST(openapi, leaves_out_what_assay_learn_would_refuse) {
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "/a";
  const auto found =
      found_in("openapi: 3.1.0\npaths: {'/a/{b}?c=d': {get: {}}, '" + deep + "': {get: {}}, '/b/{2fa}': {get: {}}}\n");
  EXPECT_THAT(found.routes, ElementsAre("GET /b/{_2fa}"));
  EXPECT_EQ(found.left_out.size(), 2U);
}

TEST(openapi, says_what_no_route_can_be_made_of) {
  const auto found =
      found_in("openapi: 3.1.0\npaths: {'/a/{b}-{c}': {get: {}}, '/a/{b}/{b}': {get: {}}, /fine: {get: {}}}\n");
  EXPECT_THAT(found.routes, ElementsAre("GET /fine"));
  EXPECT_THAT(found.left_out, ElementsAre("api.yaml:2:9: /a/{b}-{c}", "api.yaml:2:34: /a/{b}/{b}"));
}

TEST(openapi, servers_that_are_known_at_run_time_alone_add_nothing) {
  for (const char* url : {"https://{host}/v1", "{base}/v1", "https://api.example.com", "/", ""}) {
    const auto found =
        found_in(std::string("openapi: 3.1.0\nservers: [{url: \"") + url + "\"}]\npaths: {/a: {get: {}}}\n");
    EXPECT_EQ(found.routes.at(0).ends_with("/a"), true);
    if (!std::string_view(url).contains("v1")) EXPECT_EQ(found.routes.at(0), "GET /a") << url;
  }
}

TEST(openapi, that_is_none_is_refused_in_one_line) {
  const auto error = [](const std::string& text) { return openapi_routes_in("api.yaml", text).error(); };
  EXPECT_EQ(error("a: 1\n"),
            "api.yaml:1:1: expected an OpenAPI or Swagger document: \"openapi\" or \"swagger\", and \"paths\"");
  EXPECT_EQ(error("openapi: 3.0.0\npaths: [1]\n"), "api.yaml:2:8: paths: expected a mapping, each key a path");
  EXPECT_EQ(error("openapi: 3.0.0\npaths:\n  /a: {get: {}}\n  /b: [get]\n"),
            "api.yaml:4:3: paths./b: expected a mapping, each key a method");
  EXPECT_EQ(error("openapi: 3.0.0\npaths: {}\n"), "api.yaml:2:8: paths: they name no route");
  EXPECT_EQ(error("openapi: 3.0.0\npaths: {/a: {summary: x}}\n"), "api.yaml:2:8: paths: they name no route");
  EXPECT_THAT(error("openapi: [3\n"), HasSubstr("api.yaml:"));
  std::string many = "openapi: 3.0.0\npaths:\n";
  for (std::size_t i = 0; i < most_openapi_routes / 2 + 1; ++i) {
    many += "  /r" + std::to_string(i) + ": {get: {}, put: {}}\n";
  }
  EXPECT_EQ(error(many), "api.yaml:3:3: paths: 2002 routes; expected at most 2000");
}

}  // namespace
}  // namespace assay::plan
