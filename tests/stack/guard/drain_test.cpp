#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/guard/drain/layer.hpp"
#include "stack/http/client.hpp"
#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "tests/stack/guard/guard_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::drain {
namespace {

using namespace std::chrono_literals;
using http::testing::get;
using http::testing::play;
using http::testing::report;
using http::testing::split_responses;
using http::testing::statuses;
using ::testing::ElementsAre;

constexpr instant start = guard::testing::virtual_start;

TEST(drain_options, tell_what_is_wrong_with_them) {
  EXPECT_TRUE(check({}));
  EXPECT_TRUE(check({.delay = 0s}));
  EXPECT_EQ(check({.delay = 2h, .live_path = "live"}).error(),
            "drain.delay is 7200 s; allowed: 0 s to 3600 s\ndrain.live_path is \"live\"; allowed: a path, or empty");
  EXPECT_EQ(check({.ready_path = "/health/live"}).error(),
            "drain.ready_path is \"/health/live\"; allowed: not live_path");
  EXPECT_DEATH(policy({.retry_after = 0s}), "options are checked");
}

// --- a life
// ------------------------------------------------------------------------------------------------------------

TEST(drain_policy, goes_one_way) {
  policy gate({.warms_up = true, .delay = 5s});
  EXPECT_EQ(gate.now_is(), state::starting);
  EXPECT_FALSE(gate.serves());
  gate.ready();
  EXPECT_EQ(gate.now_is(), state::ready);
  EXPECT_FALSE(gate.closes(start + 1h));
  EXPECT_EQ(gate.drain(start), 5s);
  EXPECT_EQ(gate.now_is(), state::draining);
  EXPECT_TRUE(gate.serves());
  EXPECT_FALSE(gate.closes(start + 5s - 1ns));
  EXPECT_TRUE(gate.closes(start + 5s));
  EXPECT_EQ(gate.drain(start + 2s), 3s) << "asked again: what is left";
  EXPECT_EQ(gate.drain(start + 9s), 0s);
  gate.ready();
  EXPECT_EQ(gate.now_is(), state::draining) << "there is no way back";
  gate.stop();
  EXPECT_EQ(gate.now_is(), state::stopped);
  EXPECT_FALSE(gate.serves());
  EXPECT_TRUE(gate.closes(start));
  EXPECT_EQ(gate.drain(start + 9s), 0s);
  EXPECT_EQ(gate.now_is(), state::stopped);
}

TEST(drain_policy, that_was_never_ready_does_not_wait_for_anybody) {
  policy gate({.warms_up = true, .delay = 5s});
  EXPECT_EQ(gate.drain(start), 0s);
  EXPECT_TRUE(gate.closes(start));
}

TEST(drain_policy, names_its_states) {
  EXPECT_EQ(label(state::starting), "starting");
  EXPECT_EQ(label(state::ready), "ready");
  EXPECT_EQ(label(state::draining), "draining");
  EXPECT_EQ(label(state::stopped), "stopped");
}

// --- in front of a handler
// ---------------------------------------------------------------------------------------------

using event = std::pair<duration, std::function<void(sim_io&, loop&)>>;

event drain_at(duration at, const std::shared_ptr<policy>& gate) {
  return {at, [gate](sim_io&, loop& on) { std::ignore = gate->drain(on.now()); }};
}

TEST(drain_layer, answers_health_checks_before_all_limits) {
  const auto gate = std::make_shared<policy>(options{.warms_up = true, .retry_after = 4s});
  const report seen = play({.serve = layer(gate)(http::testing::answer_target),
                            .clients = {{.pieces = {{0ms, get("/health/live")},
                                                    {10ms, get("/health/ready?x=y")},
                                                    {20ms, get("/a")},
                                                    {1s, get("/health/ready")},
                                                    {2s, get("/a")},
                                                    {3s, get("/health/other")}},
                                         .leave_at = 4s}},
                            .events = {{500ms, [gate](sim_io&, loop&) { gate->ready(); }}}});
  const auto got = split_responses(seen.clients[0]);
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 503, 503, 200, 200, 200));
  EXPECT_EQ(got[0].body, R"({"status":"ok"})");
  EXPECT_EQ(got[0].header("content-type"), "application/json");
  EXPECT_EQ(got[1].body, R"({"status":"unavailable"})");
  EXPECT_EQ(got[2].header("retry-after"), "4") << "it is not warm yet";
  EXPECT_EQ(got[5].body, "/health/other") << "the service's own";
  EXPECT_EQ(gate->counted().served, 2U);
  EXPECT_EQ(gate->counted().refused, 1U);
  EXPECT_EQ(gate->counted().unready, 1U);
}

TEST(drain_layer, another_method_on_a_health_path_is_refused) {
  const auto gate = std::make_shared<policy>(options{});
  const report seen = play({.serve = layer(gate)(http::testing::answer_target),
                            .clients = {{.pieces = {{0ms, http::testing::post("/health/live", "")}}, .leave_at = 1s}}});
  const auto got = split_responses(seen.clients[0]);
  EXPECT_EQ(got.at(0).status, 405);
  EXPECT_EQ(got.at(0).header("allow"), "GET, HEAD");
  EXPECT_EQ(got.at(0).body, R"({"error":"method_not_allowed"})");
  EXPECT_EQ(gate->counted().served, 0U);
}

TEST(drain_layer, while_it_drains_it_serves_and_only_then_ends_connections) {
  const auto gate = std::make_shared<policy>(options{.delay = 2s});
  const report seen = play({.serve = layer(gate)(http::testing::answer_target),
                            .clients = {{.pieces = {{0ms, get("/a")},
                                                    {1500ms, get("/b")},
                                                    {2s, get("/health/ready")},
                                                    {2100ms, get("/health/live")}}},
                                        {.pieces = {{2s, get("/c")}}, .connect_at = 2s},
                                        {.pieces = {{2950ms, get("/sleep")}}},
                                        {.pieces = {{4s, get("/late")}}, .connect_at = 4s}},
                            .drain_at = 3s,
                            .events = {drain_at(1s, gate)}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200, 200, 503, 200));
  for (const auto& each : split_responses(seen.clients[0])) EXPECT_TRUE(each.keep_alive);
  EXPECT_EQ(seen.clients[0].ended_after, 3s);
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(200)) << "it still lets new ones in";
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(200));
  EXPECT_FALSE(split_responses(seen.clients[2]).at(0).keep_alive);
  EXPECT_EQ(seen.clients[2].ended_after, 3050ms);
  EXPECT_EQ(seen.clients[3].failure->code, errc::refused);
  EXPECT_EQ(seen.counters.cut, 0U);
  EXPECT_EQ(gate->counted().served_late, 3U);
  EXPECT_EQ(gate->counted().told_to_close, 1U);
  EXPECT_EQ(gate->in_flight(), 0U);
}

TEST(drain_layer, once_stopped_it_refuses_and_closes) {
  const auto gate = std::make_shared<policy>(options{});
  gate->stop();
  const report seen = play({.serve = layer(gate)(http::testing::answer_target),
                            .clients = {{.pieces = {{0ms, get("/a")}}}, {.pieces = {{0ms, get("/health/live")}}}}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(503));
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(503));
  EXPECT_EQ(seen.clients[0].ended_after, 0s);
}

task<result<void>> drip(http::body_sink& to) {
  for (int i = 0; i < 4; ++i) {
    std::ignore = co_await to.write("drop");
    std::ignore = co_await delay_for(50ms);
  }
  co_return result<void>{};
}

task<http::response> stream(http::request&) {
  http::response reply;
  reply.stream = drip;
  co_return reply;
}

TEST(drain_layer, counts_a_stream_to_its_end) {
  const auto gate = std::make_shared<policy>(options{});
  std::size_t in_flight = 0;
  const auto look = [&](sim_io&, loop&) { in_flight = gate->in_flight(); };
  std::ignore = play({.serve = layer(gate)(stream),
                      .clients = {{.pieces = {{0ms, get("/", "connection: close\r\n")}}}},
                      .events = {{199ms, look}}});
  EXPECT_EQ(in_flight, 1U);
  EXPECT_EQ(gate->in_flight(), 0U);
}

// --- readiness
// ---------------------------------------------------------------------------------------------------------

task<result<void>> well() { co_return result<void>{}; }
task<result<void>> ill() { co_return std::unexpected(error{.code = errc::refused, .what = "the database"}); }
task<result<void>> slow() { co_return co_await delay_for(500ms); }
task<result<void>> hanging() { co_return co_await delay_for(1h); }

TEST(drain_readiness, is_what_the_service_says_within_its_limit) {
  for (const auto& [readiness, status, at] :
       std::vector<std::tuple<readiness_check, int, duration>>{{well, 200, 0s}, {ill, 503, 0s}, {hanging, 503, 1s}}) {
    const auto gate = std::make_shared<policy>(options{});
    const auto seen = http::testing::play_one(layer(gate, readiness)(http::testing::answer_target),
                                              {{0ms, get("/health/ready", "connection: close\r\n")}});
    EXPECT_THAT(statuses(seen), ElementsAre(status));
    EXPECT_EQ(seen.when("HTTP/1.1"), at);
  }
}

TEST(drain_readiness, is_not_asked_when_the_answer_is_known) {
  const auto gate = std::make_shared<policy>(options{});
  std::ignore = gate->drain(start);
  const auto seen = http::testing::play_one(layer(gate, hanging)(http::testing::answer_target),
                                            {{0ms, get("/health/ready", "connection: close\r\n")}});
  EXPECT_EQ(seen.when("503"), 0s);
}

TEST(drain_readiness, that_takes_until_it_drains_is_no) {
  const auto gate = std::make_shared<policy>(options{});
  const report seen = play({.serve = layer(gate, slow)(http::testing::answer_target),
                            .clients = {{.pieces = {{0ms, get("/health/ready", "connection: close\r\n")}}}},
                            .events = {drain_at(100ms, gate)}});
  EXPECT_EQ(seen.clients[0].when("503"), 500ms);
}

// --- with the server
// ---------------------------------------------------------------------------------------------------

task<void> serve(http::server* served, net::listener from) {
  const result<void> ended = co_await served->run(std::move(from));
  EXPECT_TRUE(ended);
}

// A request every second for eight; SIGTERM, as it were, at 2.5 s, and again at 3.5 s.
task<void> live_and_leave(sim_io* network, std::shared_ptr<policy> gate, std::vector<std::string>* seen) {
  context& ctx = co_await this_context();
  const socket_address at = *net::parse_address("127.0.0.1", 80);
  http::server served(layer(gate)(http::testing::answer_target), {});
  const auto terminate = [&] { served.drain_after(gate->drain(ctx.on->now())); };
  network->at(start + 2500ms, terminate);
  network->at(start + 3500ms, terminate);
  scope serving(ctx);
  serving.spawn(serve(&served, *net::listener::open(*network, at)));
  http::client visitor({.host = "test", .address = at});
  for (int second = 0; second < 8; ++second) {
    std::ignore = co_await delay_until(start + second * 1s);
    const auto ready = co_await visitor.send({.target = "/health/ready"});
    const auto page = co_await visitor.send({.target = "/a"});
    seen->push_back((ready ? std::to_string(ready->status) : std::string(label(ready.error().code))) + " " +
                    (page ? page->body : std::string(label(page.error().code))));
  }
  std::ignore = co_await serving.join();
  EXPECT_EQ(served.counters().cut, 0U);
}

TEST(drain_server, goes_on_for_the_delay_and_then_closes_its_door) {
  auto world = std::make_unique<sim_io>();
  sim_io& network = *world;
  loop on(std::move(world));
  std::vector<std::string> seen;
  const auto gate = std::make_shared<policy>(options{.delay = 3s});
  on.run(live_and_leave(&network, gate, &seen));
  EXPECT_THAT(seen, ElementsAre("200 /a", "200 /a", "200 /a", "503 /a", "503 /a", "503 /a", "refused refused",
                                "refused refused"));
  EXPECT_EQ(network.open_sockets(), 0U);
  EXPECT_EQ(on.timers().size(), 0U);
}

task<void> cut_short(sim_io* network, duration* ended) {
  context& ctx = co_await this_context();
  http::server served(http::testing::answer_target, {});
  network->at(start + 1s, [&] { served.drain_after(1h); });
  network->at(start + 2s, [&] { served.drain(); });
  co_await serve(&served, *net::listener::open(*network, *net::parse_address("127.0.0.1", 80)));
  *ended = ctx.on->now() - start;
}

TEST(drain_server, drain_does_not_wait_for_a_delay) {
  auto world = std::make_unique<sim_io>();
  sim_io& network = *world;
  loop on(std::move(world));
  duration ended{};
  on.run(cut_short(&network, &ended));
  EXPECT_EQ(ended, 2s);
  EXPECT_EQ(on.timers().size(), 0U);
}

}  // namespace
}  // namespace assay::guard::drain
