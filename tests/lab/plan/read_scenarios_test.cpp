#include "lab/plan/read_scenarios.hpp"

#include <gtest/gtest.h>

#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;

constexpr const char* good_sessions = R"(scenarios:
- name: buy
  rate: 2.5
  arrivals: poisson
  cookies: false
  values: {user: {feed: users.csv, column: name}, cart: uuid}
  think: {exponential: 2s}
  steps:
  - route: POST /login
    name: log in
    body: 'user={user}'
    expected: [200]
    check: ['json:ok=true', 'body~x']
    extract:
      id: {json: 'data.items[0].id'}
      at: {header: location, between: [/orders/, '']}
      sid: {cookie: session}
      token: {between: ['value="', '"']}
  - route: GET /items/{id}
    target: /items/{id}?q={q}
    values: {q: {integer: [1, 9]}}
    think: {lognormal: {mean: 3s, cv: 1.5}}
  - route: DELETE /session
- name: look
  stages: [10s@5, '3x(5s@5*10, 10s@5)']
  steps: [{route: GET /}]
)";

struct scenarios : ::testing::Test {
  std::string refusal(const std::string& text) const {
    folder.write("s.yaml", text);
    const auto read = read_scenarios(folder.path("s.yaml"));
    const std::string why = read ? "it was read" : read.error();
    const std::string path = folder.path("s.yaml");
    return why.starts_with(path) ? why.substr(path.size()) : why;
  }
  // Of one scenario with these lines below its name.
  std::string refusal_of(const std::string& lines) const { return refusal("scenarios:\n- name: s\n" + lines); }
  const plan_folder folder;
};

TEST_F(scenarios, have_steps_with_the_keys_of_a_route_and_more) {
  folder.write("users.csv", "name\nann\nbob\n");
  folder.write("s.yaml", good_sessions);
  const auto read = read_scenarios(folder.path("s.yaml"));
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 2U);
  const model::scenario& buy = read->front();
  EXPECT_EQ(buy.name, "buy");
  EXPECT_EQ(buy.rate_per_s, 2.5);
  EXPECT_EQ(buy.arrivals, model::arrival_law::poisson);
  EXPECT_FALSE(buy.cookies);
  EXPECT_EQ(buy.values.at("user").choices, (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(buy.values.at("cart").from, model::value_source::kind::uuid);
  ASSERT_TRUE(buy.think);
  EXPECT_EQ(buy.think->law, model::think_time::kind::exponential);
  EXPECT_EQ(buy.think->mean, 2s);
  ASSERT_EQ(buy.steps.size(), 3U);
  const model::scenario_step& login = buy.steps[0];
  EXPECT_EQ(login.request.name, "log in");
  EXPECT_EQ(login.request.method, "POST");
  EXPECT_EQ(login.request.target, "/login");
  EXPECT_EQ(login.request.expected, std::vector{200});
  EXPECT_EQ(login.checks, (std::vector<std::string>{"json:ok=true", "body~x"}));
  EXPECT_EQ(login.place, folder.path("s.yaml") + ":9:5");
  EXPECT_FALSE(login.think);
  using kind = model::extraction::kind;
  ASSERT_EQ(login.takes.size(), 4U) << "in the order of their names";
  EXPECT_EQ(login.takes[0].from, kind::header);
  EXPECT_EQ(login.takes[0].what, "location");
  EXPECT_EQ(login.takes[0].after, "/orders/");
  EXPECT_EQ(login.takes[0].before, "");
  EXPECT_EQ(login.takes[1].from, kind::json);
  EXPECT_EQ(login.takes[1].what, "data.items[0].id");
  EXPECT_EQ(login.takes[2].from, kind::cookie);
  EXPECT_EQ(login.takes[2].name, "sid");
  EXPECT_EQ(login.takes[3].from, kind::body);
  EXPECT_EQ(login.takes[3].after, "value=\"");
  const model::scenario_step& items = buy.steps[1];
  EXPECT_EQ(items.request.name, "GET /items/{id}");
  EXPECT_EQ(items.request.target, "/items/{id}?q={q}");
  EXPECT_EQ(items.request.values.at("q").high, 9);
  ASSERT_TRUE(items.think);
  EXPECT_EQ(items.think->mean, 3s);
  EXPECT_EQ(items.think->cv, 1.5);
  EXPECT_TRUE(buy.stages.empty());
  EXPECT_EQ(read->back().stages, (std::vector<std::string>{"10s@5", "3x(5s@5*10, 10s@5)"}));
  EXPECT_FALSE(read->back().rate_per_s);
  EXPECT_TRUE(read->back().cookies) << "as a browser does";
  EXPECT_FALSE(read->back().arrivals) << "the command line's";
  EXPECT_FALSE(read->back().think);
}

TEST_F(scenarios, are_refused_with_place_and_remedy) {
  EXPECT_EQ(refusal("- route: GET /\n"), ":1:1: expected a mapping, found a list");
  EXPECT_EQ(refusal("scenario: []\n"), ":1:1: unknown key \"scenario\"; did you mean \"scenarios\"?");
  EXPECT_EQ(refusal("scenarios: []\n"), ":1:12: scenarios: expected 1 to 1000 items, found 0");
  EXPECT_EQ(refusal_of("  rate: 1\n  stages: [10s@1]\n  steps: [{route: GET /}]\n"),
            ":2:3: scenarios[0]: rate and stages: expected one of them");
  EXPECT_EQ(refusal_of("  stages: []\n  steps: [{route: GET /}]\n"),
            ":3:11: scenarios[0].stages: expected at least one");
  EXPECT_EQ(refusal_of("  rate: 1\n"), ":2:3: scenarios[0]: missing key \"steps\": in their order");
  EXPECT_EQ(refusal_of("  steps: [{route: GET /}]\n  raet: 1\n"),
            ":4:3: unknown key \"raet\" in scenarios[0]; did you mean \"rate\"?");
  EXPECT_TRUE(refusal_of("  steps: [{route: GET /, weight: 2}]\n")
                  .starts_with(":3:26: unknown key \"weight\" in scenarios[0].steps[0]; "));
  EXPECT_EQ(
      refusal_of("  steps: [{route: get /}]\n"),
      ":3:19: scenarios[0].steps[0].route: expected a method and a path such as GET /items/{id}, found \"get /\"");
  EXPECT_EQ(refusal_of("  think: {constant: 1s, exponential: 2s}\n  steps: [{route: GET /}]\n"),
            ":3:10: scenarios[0].think: expected exactly one of constant, exponential, lognormal");
  EXPECT_EQ(refusal_of("  steps: [{route: GET /, think: {constant: 1s}}]\n"),
            ":3:11: scenarios[0]: a think after the last step: expected none, nothing follows");
  EXPECT_EQ(
      refusal(
          "scenarios:\n- {name: s, rate: 1, steps: [{route: GET /}]}\n- {name: s, rate: 1, steps: [{route: GET /}]}\n"),
      ":3:3: a second scenario \"s\": expected a name of its own");
}

TEST_F(scenarios, take_from_one_place_in_the_answer) {
  const auto of = [this](const std::string& taken) {
    return refusal_of("  steps:\n  - route: GET /\n    extract: {id: " + taken + "}\n  - route: GET /b\n");
  };
  const std::string at = ":5:19: scenarios[0].steps[0].extract.id: ";
  const std::string one = at + "expected exactly one of json, header, cookie, between; between may stand beside header";
  EXPECT_EQ(of("{}"), one);
  EXPECT_EQ(of("{json: a, cookie: b}"), one);
  EXPECT_EQ(of("{json: a, between: [a, b]}"), one);
  EXPECT_EQ(of("{between: [a]}"), at + "expected between: [BEFORE IT, AFTER IT], neither empty");
  EXPECT_EQ(of("{between: [a, '']}"), at + "expected between: [BEFORE IT, AFTER IT], neither empty");
  EXPECT_EQ(of("{header: a, between: ['', b]}"),
            at + "expected between: [BEFORE IT, AFTER IT], the second may be empty: up to the end");
  EXPECT_EQ(of("{header: a}"), "it was read");
  EXPECT_EQ(refusal_of("  steps:\n  - route: GET /\n    extract: {1d: {json: a}}\n  - route: GET /b\n"),
            ":4:5: scenarios[0].steps[0].extract: \"1d\" is no name: expected a letter, then letters, digits, _ and -");
}

}  // namespace
}  // namespace assay::plan
