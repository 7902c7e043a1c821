#include "lab/plan/read_requests.hpp"

#include <gtest/gtest.h>

#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using source_kind = model::value_source::kind;

struct requests : ::testing::Test {
  std::vector<model::bound_route> read(const std::string& name, const std::string& text) const {
    folder.write(name, text);
    auto made = read_requests(folder.path(name));
    EXPECT_TRUE(made) << made.error();
    return made.value_or(std::vector<model::bound_route>());
  }
  // What is said of it, without the folder.
  std::string refusal(const std::string& name, const std::string& text) const {
    folder.write(name, text);
    const auto read = read_requests(folder.path(name));
    const std::string why = read ? "it was read" : read.error();
    return why.starts_with(folder.path(name)) ? why.substr(folder.path(name).size()) : why;
  }
  const plan_folder folder;
};

TEST_F(requests, are_a_list_of_routes) {
  folder.write("ids.jsonl", "{\"item\":7}\n{\"item\":8}\n");
  const auto routes = read("r.yaml",
                           "- route: GET /items/{id}\n"
                           "  target: /items/{id}?q={q}\n"
                           "  weight: 2.5\n"
                           "  values: {id: {feed: ids.jsonl, column: item}}\n"
                           "- route: POST /orders\n"
                           "  headers: {x-key: '{key}'}\n"
                           "  body: '{{\"n\":{n}}}'\n"
                           "  values: {key: uuid, n: {sequence: 5}}\n"
                           "  expected: [201]\n"
                           "  acknowledged_by: key\n");
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].name, "GET /items/{id}");
  EXPECT_EQ(routes[0].target, "/items/{id}?q={q}") << "q may come from elsewhere";
  EXPECT_EQ(routes[0].weight, 2.5);
  EXPECT_EQ(routes[0].values.at("id").choices, (std::vector<std::string>{"7", "8"}));
  EXPECT_EQ(routes[1].method, "POST");
  EXPECT_EQ(routes[1].values.at("n").from, source_kind::sequence);
  EXPECT_EQ(routes[1].values.at("n").low, 5);
  EXPECT_EQ(routes[1].expected, std::vector{201});
  EXPECT_EQ(routes[1].acknowledged_by, "") << "nothing is reconciled";
}

TEST_F(requests, may_be_an_object_a_line) {
  const auto routes =
      read("r.jsonl",
           "{\"route\":\"GET /a\",\"weight\":3}\r\n\n"
           "{\"route\": \"POST /b\", \"body\": \"{{\\\"a\\\":\\\"\\u00e9\\\"}}\", \"expected\":[200, 404]}");
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[0].weight, 3);
  EXPECT_EQ(routes[1].body, "{{\"a\":\"\xc3\xa9\"}}");
  EXPECT_EQ(routes[1].expected, (std::vector{200, 404}));
}

TEST_F(requests, that_cannot_be_read_are_told_with_their_place) {
  EXPECT_TRUE(refusal("r.yaml", "route: GET /a\n").starts_with(":1:1: expected a list of requests"));
  EXPECT_EQ(refusal("r.yaml", ""), ": the file is empty");
  EXPECT_TRUE(refusal("r.jsonl", "\n\n").contains("expected a list of requests"));
  EXPECT_EQ(refusal("r.yaml", "- route: GET /a\n- route: get /b\n"),
            ":2:10: [1].route: expected a method and a path such as GET /items/{id}, found \"get /b\"");
  EXPECT_EQ(refusal("r.jsonl", "{\"route\":\"GET /a\"}\n\n{\"route\":\"GET /b\",\"weight\":\"much\"}\n"),
            ":3:28: [1].weight: expected a number from 0 to 1000000000000000, found \"much\"");
  EXPECT_TRUE(refusal("r.jsonl", "{\"route\":\"GET /a\"}\n{\"route\":\n").starts_with(":2:"));
  EXPECT_TRUE(refusal("r.yaml", "- route: GET /a\n  wieght: 2\n").contains("wieght"));
  EXPECT_EQ(read_requests("/no/such.yaml").error(), "/no/such.yaml: no such file");
}

}  // namespace
}  // namespace assay::plan
