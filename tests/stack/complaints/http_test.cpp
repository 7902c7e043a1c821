// What users of other HTTP stacks complain of, with our limits as they are by default.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "stack/guard/chain/server.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/client_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

// "httpd has no request or idle timeout: dead connections pile up, slowloris works."
TEST(http_complaint, seastar_3148_slow_heads_and_dead_connections_end_by_default) {
  client_script drips;
  const std::string head = get("/");
  for (std::size_t i = 0; i < head.size(); ++i) drips.pieces.push_back({std::chrono::seconds(i), head.substr(i, 1)});
  const client_script silent;
  const client_script kept{.pieces = {{0ms, get("/")}}};
  const std::string request = post("/", "body");
  const client_script stalls{.pieces = {{0ms, request.substr(0, request.size() - 2)}}};
  const report seen = play({.serve = echo, .clients = {drips, silent, kept, stalls}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(408));
  EXPECT_EQ(seen.clients[0].ended_after, 10s);
  EXPECT_EQ(seen.clients[1].ended_after, 75s);
  EXPECT_EQ(seen.clients[2].ended_after, 75s);
  EXPECT_EQ(seen.clients[3].ended_after, 30s);
}

// "A single client cannot meet concurrency": users wrote pools of their own.
TEST(http_complaint, drogon_2152_one_client_serves_many_at_once) {
  client_test::world stage;
  stage.server.scripts = {{client_test::read_request(), client_test::waits(100ms),
                           client_test::sends(client_test::ok("well")), client_test::again()}};
  const auto seen = stage.exchange_together(std::vector<client_request>(64));
  for (const auto& each : seen) {
    EXPECT_EQ(each.status(), 200);
    EXPECT_EQ(each.took, 100ms) << "nobody stands in line behind another";
  }
}

struct asking_from_time_to_time {
  std::vector<duration> pauses;  // one before each request
  std::vector<client_test::outcome> seen = {};
  std::vector<std::uint64_t> reused = {};  // so far, after each
};

task<void> ask_from_time_to_time(client_test::world* stage, asking_from_time_to_time* of) {
  for (const duration pause : of->pauses) {
    std::ignore = co_await delay_for(pause);
    co_await client_test::world::send(stage, {}, &of->seen.emplace_back());
    of->reused.push_back(stage->http().counters().reused);
  }
}

// "Was this request on a connection that was there already? When the server closes it, I want to know before I send":
// counters tell, and what the server has closed is noticed before it is used.
TEST(http_complaint, drogon_1998_reuse_is_told_and_a_connection_that_the_server_closed_costs_no_request) {
  client_test::world stage;
  const client_test::action answers = client_test::sends(client_test::ok("well"));
  stage.server.scripts = {{client_test::read_request(), answers, client_test::read_request(), answers,
                           client_test::waits(5s), client_test::closes()},
                          {client_test::read_request(), answers}};
  asking_from_time_to_time all{.pauses = {0s, 1s, 10s}};
  stage.run(ask_from_time_to_time(&stage, &all));
  for (const auto& each : all.seen) EXPECT_EQ(each.status(), 200);
  EXPECT_THAT(all.reused, ElementsAre(0, 1, 1));
  EXPECT_EQ(stage.counters().opened, 2U);
  EXPECT_EQ(stage.counters().closed_broken, 1U);
  EXPECT_EQ(stage.counters().resent, 0U) << "nothing was sent into the void";
}

// "Does a new request reuse the connection, or must I keep the client, or the request?": the client alone.
TEST(http_complaint, drogon_2067_requests_from_time_to_time_share_the_connection_of_their_client) {
  client_test::world stage;
  stage.server.scripts = {
      {client_test::read_request(), client_test::sends(client_test::ok("well")), client_test::again()}};
  asking_from_time_to_time all{.pauses = {0s, 50ms, 3s, 29s, 1ms}};
  stage.run(ask_from_time_to_time(&stage, &all));
  for (const auto& each : all.seen) EXPECT_EQ(each.status(), 200);
  EXPECT_EQ(stage.server.accepted, 1U);
  EXPECT_EQ(stage.server.requests.size(), 5U);
}

task<response> slow(request&) {
  std::ignore = co_await delay_for(1s);
  co_return response::text("slow\n");
}

// The limit is one place and a line of `waiting`.
handler limited(std::size_t waiting, handler innermost) {
  guard::chain::server_options wanted;
  wanted.shed = guard::shed::options{.max_in_flight = 1, .max_waiting = waiting};
  return guard::chain::server::make(wanted).value().around(std::move(innermost));
}

// "The concurrency limit queues instead of rejecting; with load shedding around it, other layers shed as well."
TEST(http_complaint, tower_793_what_finds_no_place_is_refused_at_once) {
  const report seen = play({.serve = limited(0, slow),
                            .clients = {{.pieces = {{0ms, get("/", "connection: close\r\n")}}},
                                        {.pieces = {{100ms, get("/", "connection: close\r\n")}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(503));
  EXPECT_EQ(seen.clients[1].when("503"), 100ms);
  EXPECT_NE(split_responses(seen.clients[1]).at(0).header("retry-after"), "");
}

TEST(http_complaint, tower_793_what_another_layer_refuses_is_that_layers_refusal_and_nothing_waits_for_it) {
  guard::chain::server_options wanted;
  wanted.rate_limit = guard::rate_limit::options{.requests = 1, .burst = 1};
  wanted.bulkheads = {{.path = "/part", .wall = {.name = "part", .max_in_flight = 1}}};
  const auto guards = guard::chain::server::make(wanted).value();
  const report seen = play({.serve = guards.around(slow),
                            .clients = {{.pieces = {{0ms, get("/part", "connection: close\r\n")}}},
                                        {.pieces = {{100ms, get("/", "connection: close\r\n")}}}}});
  EXPECT_EQ(seen.clients[1].when("429"), 100ms);
  EXPECT_EQ(guards.admission->counted().refused_full + guards.admission->counted().refused_waiting, 0U);
}

// "A limit for each connection is hit first, and the load shedding of the server is never reached: requests just
// queue": one connection that has more to ask than it may hides nothing from the others.
TEST(http_complaint, tonic_1616_a_connection_at_its_own_limit_hides_no_overload_from_the_others) {
  scenario plan{.serve = limited(0, slow),
                .clients = {{.pieces = {{0ms, get("/1") + get("/2") + get("/3", "connection: close\r\n")}}}}};
  for (const duration at : {100ms, 1100ms, 2100ms}) {
    plan.clients.push_back({.pieces = {{at, get("/", "connection: close\r\n")}}, .connect_at = at});
  }
  const report seen = play(plan);
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200, 200));
  for (std::size_t i = 1; i < seen.clients.size(); ++i) {
    EXPECT_THAT(statuses(seen.clients[i]), ElementsAre(503));
    EXPECT_EQ(seen.clients[i].when("503"), plan.clients[i].connect_at) << "it was not put in line";
  }
}

// "Idle keep-alive connections hold permits", and spurious refusals with capacity to spare (router#9034).
TEST(http_complaint, vector_26457_and_router_9034_a_place_is_held_by_requests_alone) {
  client_script one_by_one;
  for (int i = 0; i < 500; ++i) one_by_one.pieces.push_back({std::chrono::milliseconds(i * 10), get("/")});
  const report seen =
      play({.serve = limited(0, answer_target),
            .clients = {{.pieces = {{0ms, get("/idle")}}}, {.pieces = {{1ms, get("/idle")}}}, one_by_one}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_THAT(statuses(seen.clients[2]), Each(200));
  EXPECT_EQ(statuses(seen.clients[2]).size(), 500U);
}

task<void> ask_with_an_hour(client_test::world* stage, client_test::outcome* into, std::size_t* timers) {
  const context& ctx = co_await this_context();
  co_await with_deadline(ctx.on->now() + 1h, client_test::world::send(stage, {}, into));
  *timers = ctx.on->timers().size();
}

// "Timeout closures keep the client and the request alive until the timer fires."
TEST(http_complaint, drogon_1510_a_timeout_keeps_nothing_once_the_request_is_done) {
  client_test::world stage;
  stage.server.scripts = {{client_test::read_request(), client_test::sends(client_test::ok("well"))}};
  client_test::outcome seen;
  std::size_t timers = 1;
  stage.run(ask_with_an_hour(&stage, &seen, &timers));
  EXPECT_EQ(seen.status(), 200);
  EXPECT_EQ(timers, 0U);
}

}  // namespace
}  // namespace assay::http::testing
