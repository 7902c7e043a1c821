// The chains that are made of one struct of options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/guard/chain/client.hpp"
#include "stack/guard/chain/server.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::chain {
namespace {

using namespace std::chrono_literals;
using guard::testing::calls;
using guard::testing::fake_host;
using guard::testing::response_of;
using http::testing::get;
using http::testing::play;
using http::testing::post;
using http::testing::report;
using http::testing::split_responses;
using http::testing::statuses;
using ::testing::ElementsAre;

// --- options
// -----------------------------------------------------------------------------------------------------------

TEST(chain_server_options, are_told_all_that_is_wrong_at_once) {
  EXPECT_TRUE(check(server_options{}));
  server_options wrong;
  wrong.drain.delay = 2h;
  wrong.shed->max_in_flight = 100;
  wrong.shed->retry_after = 0s;
  wrong.timeout->limit = 0s;
  wrong.rate_limit = rate_limit::options{.burst = 0};
  wrong.idempotency = idempotency::options{.ttl = 0s};
  wrong.cache = cache::options{.max_entries = 0};
  wrong.adaptive = adaptive::options{};
  wrong.bulkheads = {{.path = "/a", .wall = {.name = "a", .max_in_flight = 90, .max_waiting = 10}},
                     {.path = "b", .wall = {.name = "a"}}};
  EXPECT_EQ(check(wrong).error(),
            "drain.delay is 7200 s; allowed: 0 s to 3600 s\n"
            "shed.retry_after is 0 s; allowed: 1 s to 3600 s\n"
            "timeout.limit is 0 s; allowed: 1 ms to 3600 s\n"
            "rate_limit.burst is 0; allowed: 1 to 1000000\n"
            "idempotency.ttl is 0 s; allowed: 1 s to 604800 s\n"
            "cache.max_entries is 0; allowed: 1 to 10000000\n"
            "server.adaptive.max_limit is 256; allowed: up to shed.max_in_flight, 100\n"
            "server.bulkheads(a).max_in_flight + max_waiting is 100; allowed: less than shed.max_in_flight, 100\n"
            "server.bulkheads(a).path is \"b\"; allowed: a path\n"
            "server.bulkheads(a).name is there already; allowed: a name of its own");
  const auto made = server::make(wrong);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), check(wrong).error());
}

TEST(chain_client_options, are_told_all_that_is_wrong_at_once) {
  EXPECT_TRUE(check(client_options{}));
  client_options wrong;
  wrong.call.limit = 1s;
  wrong.bulkhead = bulkhead::options{};
  wrong.retry.max_attempts = 0;
  wrong.breaker.buckets = 0;
  wrong.balance.by = balance::method::sticky;
  wrong.balance.failures_to_eject = 0;
  EXPECT_EQ(client::make(wrong, {"a", "b", "a"}).error(),
            "bulkhead.name is \"\"; allowed: 1 to 64 of a-z, 0-9, '_', '-' and '.'\n"
            "retry.max_attempts is 0; allowed: 1 to 100\n"
            "breaker.buckets is 0; allowed: 2 to 1000\n"
            "balance.failures_to_eject is 0; allowed: 1 to 1000000\n"
            "client.attempt.limit is 3 s; allowed: up to call.limit, 1 s\n"
            "client.sticky_key is empty; allowed: what a request sticks to\n"
            "client.hosts is \"a\" twice; allowed: each host once");
  EXPECT_EQ(client::make({}, {}).error(), "client.hosts is 0; allowed: 1 to 1000");
}

// --- a server
// ----------------------------------------------------------------------------------------------------------

// Notes what passes it, and how it was answered.
task<http::response> note(std::string name, std::vector<std::string>* into, http::handler next, http::request& asked) {
  const std::string target(asked.target());
  http::response reply = co_await next(asked);
  into->push_back(name + " " + target + " " + std::to_string(reply.status));
  co_return reply;
}

handler_layer noting(std::string name, std::vector<std::string>* into) {
  return [name, into](http::handler next) -> http::handler {
    return [name, into, next] ASSAY_CORO_WRAPPER(http::request & asked) { return note(name, into, next, asked); };
  };
}

task<http::response> check_user(http::handler next, http::request& asked) {
  if (asked.head().headers.count("x-user") == 0) co_return http::response::text("who are you?\n", 401);
  co_return co_await next(asked);
}

http::handler authorised(http::handler next) {
  return [next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return check_user(next, asked); };
}

// Each client's connection ends with its request.
http::testing::client_script visit(duration at, const std::string& target, const std::string& fields = {}) {
  return {.pieces = {{at, get(target, "connection: close\r\n" + fields)}}};
}
http::testing::client_script order(duration at, const std::string& target, const std::string& fields) {
  return {.pieces = {{at, post(target, "tea", "connection: close\r\n" + fields)}}};
}

TEST(chain_server, has_by_default_what_a_client_of_a_healthy_service_does_not_see) {
  const auto guards = server::make({});
  ASSERT_TRUE(guards);
  const report seen = play({.serve = guards->around(http::testing::answer_target),
                            .clients = {visit(0ms, "/a"), visit(1s, "/health/ready"), visit(2s, "/sleep")}});
  for (const auto& each : seen.clients) EXPECT_THAT(statuses(each), ElementsAre(200));
  EXPECT_EQ(guards->gate->counted().served, 2U);
  EXPECT_EQ(guards->admission->counted().admitted, 2U);
  EXPECT_EQ(guards->quota, nullptr);
  EXPECT_EQ(guards->keys, nullptr);
  EXPECT_EQ(guards->answers, nullptr);
  EXPECT_EQ(guards->concurrency, nullptr);
  EXPECT_TRUE(guards->walls.empty());
}

TEST(chain_server, has_nothing_in_front_that_is_switched_off) {
  server_options wanted;
  wanted.drain = {.delay = 0s, .live_path = {}, .ready_path = {}};
  wanted.shed = std::nullopt;
  wanted.timeout = std::nullopt;
  const auto guards = server::make(wanted);
  ASSERT_TRUE(guards) << guards.error();
  EXPECT_EQ(guards->admission, nullptr);
  EXPECT_EQ(guards->limit, nullptr);
  const report seen = play({.serve = guards->around(http::testing::answer_target),
                            .clients = {visit(0ms, "/a", "request-timeout-ms: 0\r\n"), visit(1s, "/health/live")}});
  for (const auto& each : seen.clients) EXPECT_THAT(statuses(each), ElementsAre(200));
  EXPECT_EQ(split_responses(seen.clients[1]).at(0).body, "/health/live") << "the service's own answer";
  EXPECT_EQ(guards->gate->drain(testing::virtual_start), 0s);
  wanted.adaptive = adaptive::options{};
  EXPECT_EQ(check(wanted).error(), "server.adaptive.max_limit is 256; allowed: with shed, whose limit it finds");
}

TEST(chain_server, has_its_layers_in_their_order) {
  std::vector<std::string> noted;
  server_options wanted;
  wanted.observe = noting("log", &noted);
  wanted.shed = shed::options{.max_in_flight = 3, .max_waiting = 0};
  wanted.rate_limit = rate_limit::options{.requests = 1, .per = 100s, .burst = 7};
  wanted.bulkheads = {{.path = "/sleep", .wall = {.name = "naps", .max_in_flight = 1}}};
  wanted.idempotency = idempotency::options{};
  wanted.auth = authorised;
  wanted.cache = cache::options{};
  const auto guards = server::make(wanted);
  ASSERT_TRUE(guards) << guards.error();
  const std::string user = "x-user: ada\r\n";
  const report seen = play({.serve = guards->around(noting("handler", &noted)(http::testing::answer_target)),
                            .clients = {
                                visit(0ms, "/sleep?1", user),                              // takes the part's place
                                order(10ms, "/sleep?2", user + "idempotency-key: k\r\n"),  // 503 of the bulkhead
                                visit(1s, "/a"),                                           // 401
                                visit(2s, "/a", user),                                     //
                                visit(3s, "/a", user),                                     // from the cache
                                visit(4s, "/a"),                                           // 401, though it is there
                                order(5s, "/b", user + "idempotency-key: k\r\n"),          // the key is free
                                visit(6s, "/a", user),                                     // 429
                                visit(7s, "/health/live"),                                 // no log
                            }});
  std::vector<int> got;
  for (const auto& each : seen.clients) got.push_back(statuses(each).at(0));
  EXPECT_THAT(got, ElementsAre(200, 503, 401, 200, 200, 401, 200, 429, 200));
  EXPECT_THAT(
      noted, ElementsAre("log /sleep?2 503", "handler /sleep?1 200", "log /sleep?1 200", "log /a 401", "handler /a 200",
                         "log /a 200", "log /a 200", "log /a 401", "handler /b 200", "log /b 200", "log /a 429"));
  EXPECT_EQ(guards->answers->counted().hits, 1U);
  EXPECT_EQ(guards->keys->counted().carried_out, 1U);
  EXPECT_EQ(guards->walls.at(0)->counted().refused_full, 1U);
  EXPECT_EQ(guards->gate->counted().served, 8U);
}

// Without auth and cache all behind `observe` is one row of steps; without that as well, all is.
TEST(chain_server, has_them_in_their_order_in_one_row_too) {
  for (const bool observed : {false, true}) {
    std::vector<std::string> noted;
    server_options wanted;
    if (observed) wanted.observe = noting("log", &noted);
    wanted.bulkheads = {{.path = "/sleep", .wall = {.name = "naps", .max_in_flight = 1}}};
    wanted.idempotency = idempotency::options{};
    wanted.adaptive = adaptive::options{};
    const auto guards = server::make(wanted);
    ASSERT_TRUE(guards) << guards.error();
    const std::string key = "idempotency-key: k\r\n";
    const report seen = play({.serve = guards->around(noting("handler", &noted)(http::testing::answer_target)),
                              .clients = {
                                  visit(0ms, "/sleep?1"),        // takes the part's place
                                  order(10ms, "/sleep?2", key),  // 503 of the bulkhead
                                  order(1s, "/b", key),          // the key is free
                                  order(2s, "/b", key),          // its answer again
                                  order(3s, "/c", key),          // 422
                                  visit(4s, "/health/live"),     // no log
                              }});
    std::vector<int> got;
    for (const auto& each : seen.clients) got.push_back(statuses(each).at(0));
    EXPECT_THAT(got, ElementsAre(200, 503, 200, 200, 422, 200));
    if (!observed) EXPECT_THAT(noted, ElementsAre("handler /sleep?1 200", "handler /b 200"));
    if (observed) {
      EXPECT_THAT(noted, ElementsAre("log /sleep?2 503", "handler /sleep?1 200", "log /sleep?1 200", "handler /b 200",
                                     "log /b 200", "log /b 200", "log /c 422"));
    }
    EXPECT_EQ(guards->keys->counted().replayed, 1U);
    EXPECT_EQ(guards->concurrency->counted().ignored, 0U) << "refusals further out are none of its business";
    EXPECT_EQ(guards->concurrency->in_flight() + guards->walls.at(0)->in_flight(), 0U);
  }
}

TEST(chain_server, lets_adaptive_find_how_many_to_let_in) {
  server_options wanted;
  wanted.adaptive = adaptive::options{.initial_limit = 5};
  const auto guards = server::make(wanted);
  ASSERT_TRUE(guards) << guards.error();
  EXPECT_EQ(guards->admission->limit(), 256U);
  const http::handler serve = guards->around(http::testing::answer_target);
  EXPECT_EQ(guards->admission->limit(), 5U);
  std::ignore = play({.serve = serve, .clients = {visit(0ms, "/a")}});
  EXPECT_EQ(guards->concurrency->counted().ignored, 0U);
}

// --- a client
// ----------------------------------------------------------------------------------------------------------

TEST(chain_client, around_one_host_has_a_breaker) {
  fake_host shop;
  client_options wanted;
  wanted.retry = {.max_attempts = 2, .base_backoff = 1ms, .seed = 1};
  wanted.breaker = {.min_exchanges = 2, .failure_percent = 100};
  const auto guards = client::make(wanted, {"shop"});
  ASSERT_TRUE(guards) << guards.error();
  ASSERT_NE(guards->gate, nullptr);
  EXPECT_EQ(guards->among, nullptr);
  const exchange ask = guards->around({shop.exchange()});
  shop.answer = response_of(503);
  const auto got = calls(ask, {{}, {.comes = 1s}});
  EXPECT_EQ(got[0].status(), 503) << "of the second attempt";
  EXPECT_EQ(got[1].body(), "failed: limit") << "the circuit is open";
  EXPECT_EQ(shop.calls, 2);
}

TEST(chain_client, around_several_hosts_balances_and_retries_elsewhere) {
  fake_host ill{.answer = response_of(503)};
  fake_host well;
  client_options wanted;
  wanted.retry = {.base_backoff = 1ms, .seed = 1};
  wanted.balance = {.by = balance::method::round_robin, .seed = 1};
  const auto guards = client::make(wanted, {"ill", "well"});
  ASSERT_TRUE(guards) << guards.error();
  ASSERT_NE(guards->among, nullptr);
  EXPECT_EQ(guards->gate, nullptr);
  const auto got = calls(guards->around({ill.exchange(), well.exchange()}), {{}, {.comes = 1s}, {.comes = 2s}});
  for (const auto& each : got) EXPECT_EQ(each.body(), "well");
  EXPECT_EQ(guards->again->counted().recovered, 2U) << "between them one came to the host that is well in its turn";
}

TEST(chain_client, bounds_an_attempt_the_call_and_the_callers) {
  fake_host shop{.takes = 1h};
  client_options wanted;
  wanted.call = {.limit = 5s};
  wanted.attempt = {.limit = 2s};
  wanted.retry = {.max_attempts = 10, .base_backoff = 1ms, .max_backoff = 1ms, .max_tokens = 100, .seed = 1};
  wanted.bulkhead = bulkhead::options{.name = "shop", .max_in_flight = 1};
  wanted.cache = cache::options{};
  const auto guards = client::make(wanted, {"shop"});
  ASSERT_TRUE(guards) << guards.error();
  const auto got = calls(guards->around({shop.exchange()}),
                         {{.request = {.verb = "PUT"}}, {.comes = 1s, .request = {.target = "/other"}}, {.comes = 6s}});
  EXPECT_EQ(got[0].body(), "failed: timed_out");
  EXPECT_EQ(got[0].at, 5s);
  EXPECT_EQ(shop.calls, 6) << "three attempts in 5 s, and again";
  EXPECT_EQ(got[1].body(), "failed: limit") << "the place is taken, in the pauses too";
  EXPECT_EQ(got[1].at, 1s);
  EXPECT_EQ(guards->call->counted().late, 2U);
  EXPECT_EQ(guards->wall->in_flight(), 0U);
}

// Leaves a mark in what it is passed.
exchange marking(exchange next) {
  return [next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
    request.headers.emplace_back("x-mark", "1");
    return next(std::move(request));
  };
}

TEST(chain_client, observes_outermost) {
  client_options wanted;
  wanted.observe = marking;
  const auto guards = client::make(wanted, {"shop"});
  ASSERT_TRUE(guards);
  bool marked = false;
  fake_host shop;
  const exchange inner = shop.exchange();
  const exchange looking = [&] ASSAY_CORO_WRAPPER(http::client_request request) {
    marked = std::ranges::any_of(request.headers, [](const auto& field) { return field.first == "x-mark"; });
    return inner(std::move(request));
  };
  EXPECT_EQ(calls(guards->around({looking}), {{}})[0].body(), "well");
  EXPECT_TRUE(marked);
}

}  // namespace
}  // namespace assay::guard::chain
