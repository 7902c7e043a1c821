#include "lab/load/request_source.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "lab/load/workload.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using kind = model::value_source::kind;

model::value_source constant(const std::string& text) {
  model::value_source made;
  made.text = text;
  return made;
}

request_source source_of(const std::vector<model::bound_route>& routes, std::uint64_t seed = 1) {
  auto made = request_source::create(routes, "shop.test:8080", seed);
  EXPECT_TRUE(made) << made.error();
  return std::move(made.value());
}

std::string rendered(const request_source& source, std::size_t index, arrival_number at = {}) {
  request_source::draft scratch;
  return std::string(source.render(index, at, scratch));
}

TEST(request_source, a_route_without_placeholders_is_always_the_same_bytes) {
  model::bound_route plain = route("GET", "/a?b={{c}}");
  plain.headers = {{"Accept", "text/html"}};
  const request_source source = source_of({plain});
  request_source::draft scratch;
  const std::string_view bytes = source.render(0, {.k = 1}, scratch);
  EXPECT_EQ(bytes, "GET /a?b={c} HTTP/1.1\r\nHost: shop.test:8080\r\nAccept: text/html\r\n\r\n");
  EXPECT_EQ(bytes.data(), source.render(0, {.k = 2}, scratch).data());
  EXPECT_TRUE(scratch.bytes.empty());
}

TEST(request_source, a_request_is_framed_by_its_body) {
  model::bound_route made = route("POST", "/orders/{id}?page={page}");
  made.headers = {{"Idempotency-Key", "k-{id}"}, {"X-Shop", "s"}};
  made.body = R"({{"item":{id},"note":"{note}"}})";
  made.values = {{"id", integers(kind::integer, 7, 7)}, {"page", constant("2")}, {"note", constant("a b\r\nc")}};
  const request_source source = source_of({made});
  EXPECT_EQ(rendered(source, 0),
            "POST /orders/7?page=2 HTTP/1.1\r\nHost: shop.test:8080\r\nIdempotency-Key: k-7\r\nX-Shop: s\r\n"
            "Content-Length: 26\r\n\r\n{\"item\":7,\"note\":\"a b\r\nc\"}");
  EXPECT_TRUE(source[0].may_resend);
  EXPECT_EQ(source[0].verb, http::method::post);
}

TEST(request_source, methods_with_a_body_say_so_even_when_it_is_empty) {
  const request_source source = source_of({route("POST", "/"), route("GET", "/"), route("DELETE", "/")});
  EXPECT_EQ(rendered(source, 0), "POST / HTTP/1.1\r\nHost: shop.test:8080\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(rendered(source, 1), "GET / HTTP/1.1\r\nHost: shop.test:8080\r\n\r\n");
}

TEST(request_source, a_route_may_bring_its_own_host) {
  model::bound_route made = route("GET", "/");
  made.headers = {{"host", "other.test"}};
  EXPECT_EQ(rendered(source_of({made}), 0), "GET / HTTP/1.1\r\nhost: other.test\r\n\r\n");
}

TEST(request_source, only_what_is_idempotent_or_carries_a_key_may_be_sent_twice) {
  model::bound_route keyed = route("POST", "/");
  keyed.headers = {{"idempotency-key", "{k}"}};
  keyed.values["k"].from = kind::uuid;
  model::bound_route empty_key = route("PATCH", "/");
  empty_key.headers = {{"Idempotency-Key", ""}};
  const request_source source =
      source_of({route("GET", "/"), route("DELETE", "/"), route("POST", "/"), keyed, empty_key, route("BREW", "/")});
  const std::vector<bool> expected = {true, true, false, true, false, false};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(source[i].may_resend, expected[i]) << i;
}

TEST(request_source, expected_statuses_are_those_named_or_every_one_below_400) {
  model::bound_route named = route("GET", "/");
  named.expected = {200, 404};
  const request_source source = source_of({named, route("GET", "/")});
  EXPECT_TRUE(source[0].expected.test(404));
  EXPECT_FALSE(source[0].expected.test(204));
  EXPECT_TRUE(source[1].expected.test(399));
  EXPECT_FALSE(source[1].expected.test(400));
}

struct drawn : ::testing::Test {
  drawn() {
    several = {route("GET", "/a/{x}/{y}", 3), route("GET", "/b/{key}", 1)};
    several[0].values = {{"x", integers(kind::integer, 0, 1'000'000)}, {"y", integers(kind::integer, 0, 1'000'000)}};
    several[1].values["key"].from = kind::uuid;
    several[1].acknowledged_by = "key";
  }
  std::vector<model::bound_route> several;
};

TEST_F(drawn, everything_is_a_function_of_seed_thread_and_number) {
  const request_source one = source_of(several, 5);
  const request_source same = source_of(several, 5);
  const request_source other = source_of(several, 6);
  int other_routes = 0;
  int other_threads = 0;
  request_source::draft used;  // whatever was in it before
  for (std::uint64_t k = 0; k < 2000; ++k) {
    const arrival_number at{.thread = 1, .k = k};
    ASSERT_EQ(one.route_of(at), same.route_of(at));
    ASSERT_EQ(one.render(k % 2, at, used), rendered(same, k % 2, at));
    ASSERT_NE(rendered(one, 0, at), rendered(other, 0, at));
    ASSERT_NE(rendered(one, 0, at), rendered(one, 0, {.thread = 2, .k = k}));
    other_routes += one.route_of(at) != other.route_of(at) ? 1 : 0;
    other_threads += one.route_of(at) != one.route_of({.thread = 2, .k = k}) ? 1 : 0;
  }
  // Independent draws differ with probability 2 * 0.75 * 0.25.
  EXPECT_NEAR(other_routes, 750, 100);
  EXPECT_NEAR(other_threads, 750, 100);
}

TEST_F(drawn, the_key_can_be_told_from_the_number) {
  const request_source source = source_of(several);
  std::set<std::string> keys;
  for (std::uint64_t k = 0; k < 1000; ++k) {
    const std::string key = source.key_of(1, {.thread = 3, .k = k});
    EXPECT_NE(rendered(source, 1, {.thread = 3, .k = k}).find("/b/" + key + " "), std::string::npos);
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 1000U);
}

TEST_F(drawn, two_placeholders_of_a_request_are_independent) {
  const request_source source = source_of(several);
  for (std::uint64_t k = 0; k < 100; ++k) {
    const std::string bytes = rendered(source, 0, {.k = k});
    const std::size_t slash = bytes.find('/', 7);
    EXPECT_NE(bytes.substr(7, slash - 7), bytes.substr(slash + 1, bytes.find(' ', slash) - slash - 1));
  }
}

// Neighbouring numbers must not be neighbours in anything else: pairs of consecutive routes are as the weights say.
TEST_F(drawn, consecutive_routes_are_independent) {
  const request_source source = source_of(several);
  constexpr int n = 40'000;
  double both = 0;
  for (std::uint64_t k = 0; k < n; ++k) {
    both += source.route_of({.k = k}) == 1 && source.route_of({.k = k + 1}) == 1 ? 1 : 0;
  }
  EXPECT_NEAR(both / n, 1.0 / 16, 4 * std::sqrt(1.0 / 16 / n));
}

std::string complaint(const model::bound_route& bad) {
  const auto made = request_source::create(std::vector{route("GET", "/good"), bad}, "x", 1);
  return made ? "" : made.error();
}

model::value_source column_of(const std::string& file, const std::string& column, const std::string& prefix) {
  model::value_source made{.from = kind::choice, .feed = file, .column = column};
  for (int row = 0; row < 50; ++row) made.choices.push_back(prefix + std::to_string(row));
  return made;
}

// A user and the password of another is a login that fails, and no load of logins.
TEST(request_source, columns_of_one_file_are_drawn_by_the_row) {
  model::bound_route login = route("GET", "/{a_first}/{user}/{password}/{also}/{other}");
  login.values = {{"a_first", integers(kind::integer, 1, 9)},
                  {"user", column_of("users.csv", "user", "u")},
                  {"password", column_of("users.csv", "password", "p")},
                  {"also", column_of("users.csv", "user", "u")},
                  {"other", column_of("others.csv", "user", "o")}};
  const request_source source = source_of({login});
  std::set<std::string> rows;
  int the_same = 0;
  int by_chance = 0;
  for (std::uint64_t k = 0; k < 500; ++k) {
    const std::string bytes = rendered(source, 0, {.k = k});
    std::vector<std::string> parts;
    for (std::size_t at = bytes.find('/'); parts.size() < 5; at = bytes.find_first_of("/ ", at + 1)) {
      parts.push_back(bytes.substr(at + 1, bytes.find_first_of("/ ", at + 1) - at - 1));
    }
    rows.insert(parts[1]);
    ASSERT_EQ(parts[2].substr(1), parts[1].substr(1)) << bytes;
    the_same += parts[3] == parts[1];
    by_chance += parts[4].substr(1) == parts[1].substr(1);
  }
  EXPECT_EQ(rows.size(), 50U) << "and every row is drawn";
  EXPECT_LT(the_same, 50) << "two users are two draws: 10 are the same by chance";
  EXPECT_LT(by_chance, 50);
}

TEST(bad_routes, are_told_in_a_line_with_their_name) {
  EXPECT_EQ(request_source::create({}, "x", 1).error(), "a workload: expected at least one route");
  EXPECT_EQ(complaint(route("GET", "/a/{b}")), "route \"GET /a/{b}\": {b}: expected a value for it");
  EXPECT_TRUE(complaint(route("GET", "/a/{b")).starts_with("route \"GET /a/{b\": target, column 4: "));
  EXPECT_EQ(complaint(route("GET", "/", 0)), "route \"GET /\": expected a weight above 0");
  EXPECT_EQ(complaint(route("GET", "/", std::nan(""))), "route \"GET /\": expected a weight above 0");
  EXPECT_NE(complaint(route("GET", "no/slash")), "");
  EXPECT_NE(complaint(route("GET", "/with space")), "");
  EXPECT_NE(complaint(route("GE T", "/")), "");
  model::bound_route bad = route("POST", "/");
  bad.acknowledged_by = "order";
  EXPECT_EQ(complaint(bad), "route \"POST /\": acknowledged_by order: expected a placeholder that the request carries");
  bad = route("GET", "/");
  bad.expected = {20};
  EXPECT_EQ(complaint(bad), "route \"GET /\": expected status 20: not 200 to 999");
  bad.expected = {1000};
  EXPECT_NE(complaint(bad), "");
}

TEST(bad_routes, values_that_would_make_another_request_are_refused) {
  for (const std::string text : {"a b", "a\r\nX: y", "\x01"}) {
    model::bound_route bad = route("GET", "/{v}");
    bad.values["v"] = constant(text);
    EXPECT_NE(complaint(bad), "") << text;
  }
  model::bound_route header = route("GET", "/");
  header.headers = {{"X", "{v}"}};
  header.values["v"] = constant("a b");
  EXPECT_EQ(complaint(header), "");
  header.values["v"] = constant("a\r\nInjected: y");
  EXPECT_NE(complaint(header), "");
  header.values["v"].from = kind::choice;
  header.values["v"].choices = {"good", "bad\n"};
  EXPECT_NE(complaint(header), "");
  for (const std::string name : {"Content-Length", "transfer-encoding", "Connection", "a b", ""}) {
    header = route("GET", "/");
    header.headers = {{name, "1"}};
    EXPECT_NE(complaint(header), "") << name;
  }
}

struct bound : ::testing::Test {
  bound() {
    options.address = "127.0.0.1:8080";
    options.routes = {route("GET", "/")};
    options.phases = {phase("one", 100, 10s)};
  }
  std::string complaint() const {
    const auto made = bind_workload(options);
    return made ? "" : made.error();
  }
  workload_options options;
};

TEST_F(bound, addresses) {
  for (const std::string good : {"127.0.0.1:8080", "http://127.0.0.1:8080", "http://127.0.0.1:8080/", "[::1]:80"}) {
    options.address = good;
    EXPECT_EQ(complaint(), "") << good;
  }
  for (const std::string bad : {"", "127.0.0.1:0", "https://127.0.0.1:1", "http://127.0.0.1:80/base", "a b"}) {
    options.address = bad;
    EXPECT_NE(complaint(), "") << bad;
  }
}

TEST_F(bound, phases_that_cannot_be_run_are_named) {
  options.phases.clear();
  EXPECT_EQ(complaint(), "a workload: expected at least one phase");
  options.phases = {phase("calm", 0, 1s)};
  EXPECT_EQ(complaint(), "a workload: expected a phase with a rate above 0");
  options.phases = {phase("bad", -1, 1s)};
  EXPECT_TRUE(complaint().starts_with("phase \"bad\": expected a rate from 0 to ")) << complaint();
  options.phases = {phase("bad", std::nan(""), 1s)};
  EXPECT_TRUE(complaint().starts_with("phase \"bad\": expected a rate")) << complaint();
  options.phases = {phase("bad", 1, 0s)};
  EXPECT_EQ(complaint(), "phase \"bad\": expected a length of more than 0 and at most 24 h");
  options.phases = {phase("one", 1, 23h), phase("two", 1, 2h)};
  EXPECT_EQ(complaint(), "phase \"two\": expected at most 24 h for all phases together");
  options.phases = {phase("one", max_rate_per_s, 24h)};
  EXPECT_EQ(complaint(), "");
}

TEST_F(bound, more_records_than_memory_should_hold) {
  options.phases.assign(6, phase("one", 10, 1s));
  options.routes.assign(171, route("GET", "/"));
  EXPECT_TRUE(complaint().starts_with("171 routes in 6 phases: expected at most 1024 ")) << complaint();
}

TEST_F(bound, knows_what_to_expect) {
  options.routes = {route("GET", "/", 3), route("POST", "/{k}", 1)};
  options.routes[1].values["k"].from = kind::uuid;
  options.routes[1].acknowledged_by = "k";
  options.phases.push_back(phase("two", 1000, 5s));
  const auto made = bind_workload(options);
  ASSERT_TRUE(made) << made.error();
  EXPECT_EQ(made->length(), 15s);
  EXPECT_DOUBLE_EQ(made->arrivals_expected(), 6000);
  EXPECT_DOUBLE_EQ(made->logged_writes_expected(), 1500);
}

}  // namespace
}  // namespace assay::load
