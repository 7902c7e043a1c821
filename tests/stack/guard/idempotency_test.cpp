#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
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

// Numbers what it carries out. The target says how: "/fail" 500, "/slow" after 100 ms, "/throw" throws, "/lost" as if
// the connection to the database had broken in the middle.
struct shop {
  std::shared_ptr<policy> store = std::make_shared<policy>(options{});
  int orders = 0;

  http::handler handler(scope_function scope = authorization_of) {
    const http::handler order = [this](this auto, http::request& asked) -> task<http::response> {
      const result<std::string> body = co_await asked.read_all();
      const int number = ++orders;
      if (asked.path() == "/throw") throw std::runtime_error("a bug in the service");
      if (asked.path() == "/lost") co_return http::response::from(error{.code = errc::closed});
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

// --- work that nobody waits for any more
// -------------------------------------------------------------------------------

// Each client asks once, on a connection of its own.
http::testing::client_script asks(duration at, std::string_view target, const std::string& body = "tea") {
  return {.pieces = {{at, order(target, body, "k1", "connection: close\r\n")}}};
}

TEST(idempotency, a_client_that_leaves_and_asks_again_is_told_of_its_one_order) {
  shop sells;
  http::testing::client_script leaves = asks(0ms, "/slow");
  leaves.leave_at = 50ms;
  const auto seen =
      http::testing::play({.serve = sells.handler(), .clients = {leaves, asks(60ms, "/slow"), asks(200ms, "/slow")}});
  EXPECT_EQ(seen.counters.departures, 1U) << "it was heard to leave";
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(409)) << "the first is still at work";
  const auto again = split_responses(seen.clients[2]);
  EXPECT_EQ(again.at(0).status, 201);
  EXPECT_EQ(again.at(0).body, "tea is order 1");
  EXPECT_EQ(again.at(0).header("idempotent-replayed"), "true");
  EXPECT_EQ(sells.orders, 1);
}

TEST(idempotency, a_deadline_that_passes_behind_the_side_effect_makes_no_second_order) {
  shop sells;
  http::server_limits limits;
  limits.handler_timeout = 50ms;
  const auto seen = http::testing::play(
      {.serve = sells.handler(), .limits = limits, .clients = {asks(0ms, "/slow"), asks(200ms, "/slow")}});
  EXPECT_EQ(seen.clients[0].when("tea is order 1"), 100ms);
  EXPECT_EQ(seen.clients[1].when("tea is order 1"), 200ms);
  EXPECT_EQ(sells.orders, 1);
}

TEST(idempotency, work_that_is_cut_by_its_own_limit_is_of_unknown_outcome_until_the_ttl_is_over) {
  shop sells{.store = std::make_shared<policy>(options{.ttl = 10s, .work_limit = 50ms})};
  http::server_limits limits;
  limits.handler_timeout = 20ms;
  const auto seen = http::testing::play(
      {.serve = sells.handler(),
       .limits = limits,
       .clients = {asks(0ms, "/slow"), asks(1s, "/slow"), asks(2s, "/slow", "coffee"), asks(11s, "/slow")}});
  EXPECT_EQ(seen.clients[0].when("504"), 50ms);
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(409));
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(422));
  EXPECT_THAT(statuses(seen.clients[3]), ElementsAre(504)) << "carried out once more";
  EXPECT_EQ(sells.orders, 2);
  EXPECT_EQ(sells.store->counted().unknown, 1U);
  EXPECT_EQ(sells.store->counted().unanswered, 2U);
}

TEST(idempotency, a_deadline_beyond_the_limit_of_work_is_left_to_it) {
  shop sells{.store = std::make_shared<policy>(options{.work_limit = 1ms})};
  const auto seen = http::testing::play({.serve = sells.handler(), .clients = {asks(0ms, "/slow")}});
  EXPECT_EQ(seen.clients[0].when("201"), 100ms);
}

TEST(idempotency, what_a_shutdown_cuts_is_carried_out_and_kept) {
  shop sells;
  http::server_limits limits;
  limits.drain_timeout = 10ms;
  const auto seen = http::testing::play(
      {.serve = sells.handler(), .limits = limits, .clients = {asks(0ms, "/slow")}, .drain_at = 20ms});
  EXPECT_EQ(seen.counters.cut, 1U);
  EXPECT_EQ(seen.server_ended_after, 100ms) << "with the work";
  EXPECT_EQ(sells.orders, 1);
  EXPECT_EQ(sells.store->counted().unanswered, 0U);
}

TEST(idempotency, what_ended_nobody_knows_how_is_not_done_again) {
  for (const char* target : {"/throw", "/lost"}) {
    shop sells;
    const auto seen = http::testing::play({.serve = sells.handler(), .clients = {asks(0ms, target), asks(1s, target)}});
    EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(409)) << target;
    EXPECT_EQ(sells.orders, 1) << target;
  }
}

TEST(idempotency, an_answer_says_how_the_matter_ended) {
  for (const int status : {200, 201, 303, 400, 404, 409, 422}) EXPECT_EQ(ending_of(status, ""), ending::final);
  for (const int status : {401, 403, 408, 425, 429, 500, 501, 503}) {
    EXPECT_EQ(ending_of(status, "limit"), ending::undone) << status;
  }
  for (const int status : {499, 502, 504}) EXPECT_EQ(ending_of(status, ""), ending::unknown) << status;
  EXPECT_EQ(ending_of(503, "reset"), ending::unknown);
}

// --- several loops
// -----------------------------------------------------------------------------------------------------

TEST(idempotency, a_repetition_that_reaches_another_loop_is_given_the_same_answer) {
  const auto keys = std::make_shared<store>(options{});
  shop one{.store = std::make_shared<policy>(keys)};
  shop other{.store = std::make_shared<policy>(keys)};
  EXPECT_THAT(statuses_of(one.serve({{0ms, order("/", "tea")}})), ElementsAre(201));
  const auto got = other.serve({{1s, order("/", "tea")}, {2s, order("/", "coffee")}});
  EXPECT_THAT(statuses_of(got), ElementsAre(201, 422));
  EXPECT_EQ(got.at(0).body, "tea is order 1");
  EXPECT_EQ(other.orders, 0);
  EXPECT_EQ(one.store->keys(), 1U);
  EXPECT_EQ(other.store->keys(), 0U) << "each shows what it has put there, and metrics add up";
}

TEST(idempotency, loops_that_ask_at_once_carry_a_key_out_once) {
  constexpr int threads = 4;
  constexpr int keys_each = 2000;
  const auto keys = std::make_shared<store>(options{.max_keys = keys_each});
  std::vector<std::unique_ptr<policy>> loops(threads);
  for (auto& each : loops) each = std::make_unique<policy>(keys);
  std::vector<std::thread> running;
  for (const auto& each : loops) {
    running.emplace_back([mine = each.get()] {
      for (int key = 0; key < keys_each; ++key) {
        decision decided = mine->begin(std::to_string(key), {}, instant(1000s));
        if (auto* first = std::get_if<reservation>(&decided)) first->keep({}, instant(1000s));
      }
    });
  }
  for (std::thread& each : running) each.join();
  std::uint64_t carried_out = 0;
  std::uint64_t told = 0;
  std::size_t known = 0;
  for (const auto& each : loops) {
    carried_out += each->counted().carried_out;
    told += each->counted().replayed + each->counted().in_progress;
    known += each->keys();
  }
  EXPECT_EQ(carried_out, std::uint64_t{keys_each});
  EXPECT_EQ(told, std::uint64_t{(threads - 1) * keys_each});
  EXPECT_EQ(known, std::size_t{keys_each});
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

TEST(idempotency, a_stream_is_passed_on_with_its_request_and_cannot_be_given_again) {
  const auto store = std::make_shared<policy>(options{});
  const http::handler streams = [](http::request& asked) -> task<http::response> {
    http::response reply;
    reply.stream = [of = &asked] ASSAY_CORO_WRAPPER(http::body_sink & to) { return send_target(of, &to); };
    co_return reply;
  };
  const auto seen = http::testing::play_one(compose({layer(store)}, streams),
                                            {{0ms, order("/report", "x")}, {1s, order("/report", "x")}});
  const auto got = split_responses(seen);
  EXPECT_EQ(got.at(0).body, "a stream for /report");
  EXPECT_EQ(got.at(1).status, 409) << "it was carried out";
}

}  // namespace
}  // namespace assay::guard::idempotency
