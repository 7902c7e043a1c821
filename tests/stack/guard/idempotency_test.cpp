#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/idempotency/layer.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::idempotency {
namespace {

using namespace std::chrono_literals;
using http::testing::get;
using http::testing::parsed_response;
using http::testing::piece;
using http::testing::post;
using http::testing::split_responses;
using http::testing::statuses;
using ::testing::ElementsAre;
// --------------------------------------------------------------------------------------------

// Numbers what it carries out. The target says how: "/fail" 500, "/slow" after 100 ms, "/throw" throws.
struct shop {
  std::shared_ptr<policy> store = std::make_shared<policy>(options{});
  int orders = 0;

  http::handler handler(scope_function scope = authorization_of) {
    const http::handler order = [this](this auto, http::request& asked) -> task<http::response> {
      const result<std::string> body = co_await asked.read_all();
      const int number = ++orders;
      if (asked.path() == "/throw") throw std::runtime_error("a bug in the service");
      if (asked.path() == "/slow") {
        const result<void> slept = co_await delay_for(100ms);
        if (!slept) co_return http::response::from(slept.error());
      }
      http::response reply = http::response::json(*body + " is order " + std::to_string(number), 201);
      reply.headers.emplace_back("location", "/orders/" + std::to_string(number));
      if (asked.path() == "/fail") reply.status = 500;
      co_return reply;
    };
    return compose({layer(store, std::move(scope))}, order);
  }

  std::vector<parsed_response> serve(std::vector<piece> pieces) {
    return split_responses(http::testing::play_one(handler(), std::move(pieces)));
  }
};

std::vector<int> statuses_of(const std::vector<parsed_response>& responses) {
  std::vector<int> codes;
  for (const parsed_response& each : responses) codes.push_back(each.status);
  return codes;
}

std::string order(std::string_view target, std::string_view body, const std::string& key = "k1",
                  const std::string& more = {}) {
  return post(target, body, "idempotency-key: " + key + "\r\n" + more);
}

TEST(idempotency, a_repetition_is_given_the_same_answer_and_told_so) {
  shop sells;
  const auto got = sells.serve({{0ms, order("/", "tea")}, {1s, order("/", "tea")}});
  EXPECT_EQ(sells.orders, 1);
  EXPECT_THAT(statuses_of(got), ElementsAre(201, 201));
  EXPECT_EQ(got.at(0).header("idempotent-replayed"), "");
  EXPECT_EQ(got.at(1).header("idempotent-replayed"), "true");
  EXPECT_EQ(got.at(1).header("location"), "/orders/1");
  EXPECT_EQ(got.at(1).header("content-type"), "application/json");
  EXPECT_EQ(got.at(1).body, "tea is order 1");
}

TEST(idempotency, another_request_under_the_same_key_is_422) {
  shop sells;
  const auto got = sells.serve({{0ms, order("/", "tea")}, {1s, order("/", "coffee")}, {2s, order("/b", "tea")}});
  EXPECT_THAT(statuses_of(got), ElementsAre(201, 422, 422));
  EXPECT_EQ(sells.orders, 1);
}

TEST(idempotency, while_the_first_is_in_progress_it_is_409) {
  shop sells;
  const std::string closing = "connection: close\r\n";
  const auto seen = http::testing::play({.serve = sells.handler(),
                                         .clients = {{.pieces = {{0ms, order("/slow", "tea", "k1", closing)}}},
                                                     {.pieces = {{50ms, order("/slow", "tea", "k1", closing)}}},
                                                     {.pieces = {{150ms, order("/slow", "tea", "k1", closing)}}}}});
  EXPECT_EQ(seen.clients[0].when("201"), 100ms);
  EXPECT_EQ(seen.clients[1].when("409"), 50ms);
  EXPECT_EQ(seen.clients[2].when("201"), 150ms);
  EXPECT_EQ(sells.orders, 1);
}

TEST(idempotency, a_failure_is_not_kept) {
  shop sells;
  const auto got = sells.serve({{0ms, order("/fail", "tea")}, {1s, order("/fail", "tea")}});
  EXPECT_THAT(statuses_of(got), ElementsAre(500, 500));
  EXPECT_EQ(sells.orders, 2);
  EXPECT_EQ(sells.store->keys(), 0U);
}

TEST(idempotency, a_bug_in_the_handler_frees_the_key) {
  shop sells;
  EXPECT_THAT(statuses_of(sells.serve({{0ms, order("/throw", "tea")}})), ElementsAre(500));
  EXPECT_EQ(sells.store->keys(), 0U);
}

TEST(idempotency, a_request_that_is_cancelled_frees_its_key) {
  shop sells;
  http::server_limits limits;
  limits.drain_timeout = 10ms;
  const auto seen = http::testing::play({.serve = sells.handler(),
                                         .limits = limits,
                                         .clients = {{.pieces = {{0ms, order("/slow", "tea")}}}},
                                         .drain_at = 20ms});
  EXPECT_EQ(seen.counters.cut, 1U);
  EXPECT_EQ(sells.orders, 1);
  EXPECT_EQ(sells.store->keys(), 0U);
}

TEST(idempotency, a_request_that_is_too_slow_frees_its_key) {
  shop sells;
  http::server_limits limits;
  limits.handler_timeout = 50ms;
  EXPECT_THAT(statuses(http::testing::play_one(sells.handler(), {{0ms, order("/slow", "tea")}}, limits)),
              ElementsAre(504));
  EXPECT_EQ(sells.store->keys(), 0U);
}

TEST(idempotency, promises_nothing_without_a_key_or_for_what_is_idempotent_by_itself) {
  shop sells;
  const std::string key = "idempotency-key: k1\r\n";
  const auto got = sells.serve({{0ms, post("/", "tea") + post("/", "tea") + get("/", key) + get("/", key)}});
  EXPECT_THAT(statuses_of(got), ElementsAre(201, 201, 201, 201));
  EXPECT_EQ(sells.orders, 4);
}

TEST(idempotency, a_key_that_is_none_is_400) {
  shop sells;
  const std::string twice = "k1\r\nidempotency-key: k1";
  const auto got = sells.serve({{0ms, order("/", "tea", std::string(256, 'k'))},
                                {1s, order("/", "tea", twice)},
                                {2s, order("/", "tea", "")},
                                {3s, order("/", "tea", std::string(255, 'k'))}});
  EXPECT_THAT(statuses_of(got), ElementsAre(400, 400, 400, 201));
  EXPECT_EQ(sells.orders, 1);
}

TEST(idempotency, a_key_belongs_to_whoever_has_the_same_credentials) {
  shop sells;
  const auto got = sells.serve({{0ms, order("/", "tea", "k1", "authorization: Bearer one\r\n")},
                                {1s, order("/", "tea", "k1", "authorization: Bearer two\r\n")},
                                {2s, order("/", "tea", "k1")},
                                {3s, order("/", "tea", "k1", "authorization: Bearer one\r\n")}});
  EXPECT_EQ(sells.orders, 3);
  EXPECT_EQ(got.at(3).body, "tea is order 1");
}

TEST(idempotency, a_body_that_does_not_arrive_reserves_nothing) {
  shop sells;
  const std::string request = order("/", "tea");
  const auto got = sells.serve({{0ms, request.substr(0, request.size() - 1)}});
  EXPECT_THAT(statuses_of(got), ElementsAre(408));
  EXPECT_EQ(sells.orders, 0);
  EXPECT_EQ(sells.store->keys(), 0U);
}

task<result<void>> send_target(const http::request* asked, http::body_sink* to) {
  std::ignore = co_await to->write("a stream for ");
  std::ignore = co_await delay_for(50ms);
  co_return co_await to->write(asked->target());
}

TEST(idempotency, a_stream_is_passed_on_with_its_request_and_is_not_kept) {
  const auto store = std::make_shared<policy>(options{});
  const http::handler streams = [](http::request& asked) -> task<http::response> {
    http::response reply;
    reply.stream = [of = &asked] ASSAY_CORO_WRAPPER(http::body_sink & to) { return send_target(of, &to); };
    co_return reply;
  };
  const auto seen = http::testing::play_one(compose({layer(store)}, streams),
                                            {{0ms, order("/report", "x")}, {1s, order("/report", "x")}});
  const auto got = split_responses(seen);
  EXPECT_EQ(got.at(1).body, "a stream for /report");
  EXPECT_EQ(got.at(1).header("idempotent-replayed"), "");
  EXPECT_EQ(store->keys(), 0U);
}

}  // namespace
}  // namespace assay::guard::idempotency
