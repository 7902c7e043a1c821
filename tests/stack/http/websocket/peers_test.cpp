// Our client and our server talk to each other in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/http/websocket/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint16_t port = 80;

http::origin server_at() { return {.host = "test", .address = net::parse_address("127.0.0.1", port).value()}; }

struct outcome {
  result<void> ended = std::unexpected(error{.code = errc::system, .what = "never connected"});
  duration took = duration::zero();
  http::server_counters server;

  std::string_view failure() const { return ended ? "none" : label(ended.error().code); }
};

task<void> run_client(client_options options, session talk, outcome* into) {
  const context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  into->ended = co_await connect(server_at(), std::move(options), std::move(talk));
  into->took = ctx.on->turn_time() - start;
}

task<result<void>> run_server(http::server* served, net::listener from) {
  co_return co_await served->run(std::move(from));
}

task<void> act(sim_io* network, http::handler serve, client_options options, session talk, outcome* into) {
  http::server served(std::move(serve), {});
  scope serving(co_await this_context());
  serving.spawn(run_server(&served, *net::listener::open(*network, server_at().address)));
  co_await run_client(std::move(options), std::move(talk), into);
  served.drain();
  EXPECT_TRUE(co_await serving.join());
  into->server = served.counters();
}

// One client of ours before a server of ours.
outcome meet(http::handler serve, session talk, client_options options = {}, const sim_options& network = {}) {
  outcome seen;
  const std::size_t frames_before = assay::detail::live_frames();
  {
    auto world = std::make_unique<sim_io>(network);
    sim_io& simulated = *world;
    loop on(std::move(world));
    on.run(act(&simulated, std::move(serve), std::move(options), std::move(talk), &seen));
    EXPECT_EQ(simulated.open_sockets(), 0U);
    EXPECT_EQ(simulated.lent_buffers(), 0U);
  }
  EXPECT_EQ(assay::detail::live_frames(), frames_before);
  return seen;
}

std::string patterned(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

task<void> exchange(std::vector<std::string>* told, connection& server) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 70'000U, 500'000U}) {
    const std::string payload = patterned(size);
    const result<void> sent = co_await server.send(message_kind::text, payload);
    const result<message> got = co_await server.receive();
    told->push_back(!sent ? "not sent" : !got ? "nothing came" : got->payload == payload ? "same" : "another");
  }
  told->push_back(server.compresses() ? "compressed" : "plain");
}

session exchanging(std::vector<std::string>& told) {
  return [&told] ASSAY_CORO_WRAPPER(connection & server) { return exchange(&told, server); };
}

TEST(websocket_peers, they_understand_each_other_whatever_the_network_does) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    const sim_options network{.seed = seed,
                              .latency = seed % 3 * 1ms,
                              .faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.1, .deferred = 0.5}};
    std::vector<std::string> told;
    const outcome seen = meet(echoing(), exchanging(told), {}, network);
    EXPECT_THAT(told, ElementsAre("same", "same", "same", "same", "same", "same", "plain")) << "seed " << seed;
    EXPECT_TRUE(seen.ended) << "seed " << seed;
  }
}

TEST(websocket_peers, they_agree_on_compression_in_every_mode) {
  for (const bool client_keeps : {false, true}) {
    for (const bool server_keeps : {false, true}) {
      for (const int bits : {9, 15}) {
        std::vector<std::string> told;
        const settings server{
            .deflate = {.enabled = true, .context_takeover = server_keeps, .max_window_bits = 24 - bits}};
        const settings client{.deflate = {.enabled = true, .context_takeover = client_keeps, .max_window_bits = bits}};
        const outcome seen = meet(echoing(server), exchanging(told), {.connections = client});
        EXPECT_THAT(told, ElementsAre("same", "same", "same", "same", "same", "same", "compressed"));
        EXPECT_TRUE(seen.ended);
      }
    }
  }
}

TEST(websocket_peers, the_client_closes_and_the_server_ends_the_connection_below) {
  const outcome seen = meet(echoing(), [](connection&) -> task<void> { co_return; }, {}, http::testing::distant(10ms));
  EXPECT_TRUE(seen.ended);
  // Connect, handshake, Close and its answer, and the end behind it.
  EXPECT_EQ(seen.took, 60ms);
}

TEST(websocket_peers, the_client_hears_why_the_server_closes) {
  const auto leave = [](connection& peer) -> task<void> {
    peer.close(static_cast<close_code>(4003), "out of tea");
    co_return;
  };
  static std::optional<close_frame> said;
  said.reset();
  const auto listen = [](connection& server) -> task<void> {
    std::ignore = co_await server.until_closed();
    said = server.peer_close();
  };
  EXPECT_TRUE(meet(serving(leave), listen).ended);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->code, static_cast<close_code>(4003));
  EXPECT_EQ(said->reason, "out of tea");
}

TEST(websocket_peers, keepalive_of_both_sides_holds_a_quiet_connection_for_its_hour) {
  const auto wait = [](connection& server) -> task<void> {
    std::ignore = co_await server.until_closed();
    EXPECT_GE(server.counters().pings + server.counters().pinged, 100U);
  };
  const outcome seen = meet(echoing(), wait);
  EXPECT_TRUE(seen.ended);
  EXPECT_EQ(seen.took, 1h);
}

TEST(websocket_peers, subprotocols_and_fields_reach_the_server) {
  const auto handler = [](http::request& asked) -> task<http::response> {
    static const endpoint point{{.protocols = {"b", "a"}}};
    if (asked.head().headers.find("x-token") != "secret") co_return http::response::text("no\n", 401);
    co_return asked.target() == "/chat?room=7" ? point.accept(asked, echo) : http::response::text("no\n", 404);
  };
  const auto check_protocol = [](connection& server) -> task<void> {
    EXPECT_EQ(server.protocol(), "b");
    co_return;
  };
  const client_options good{.target = "/chat?room=7", .protocols = {"a", "b"}, .headers = {{"x-token", "secret"}}};
  EXPECT_EQ(meet(handler, check_protocol, good).failure(), "none");
  EXPECT_EQ(meet(handler, check_protocol, {.target = "/chat?room=7"}).failure(), "permission");
  EXPECT_EQ(meet(handler, check_protocol, {.headers = {{"x-token", "secret"}}}).failure(), "refused");
}

TEST(websocket_peers, what_cannot_be_sent_is_refused_before_anything_is) {
  for (const client_options& bad : std::vector<client_options>{{.target = "/a b"},
                                                               {.target = ""},
                                                               {.protocols = {"a b"}},
                                                               {.protocols = {""}},
                                                               {.headers = {{"x", "a\r\nb"}}},
                                                               {.headers = {{"Sec-WebSocket-Key", "mine"}}},
                                                               {.headers = {{"upgrade", "x"}}},
                                                               {.headers = {{"connection", "x"}}}}) {
    const outcome seen = meet(echoing(), echo, bad);
    EXPECT_EQ(seen.failure(), "invalid_argument");
    EXPECT_EQ(seen.server.connections, 0U);
  }
}

task<void> cancel_after(cancel_scope* what, duration wait) {
  std::ignore = co_await delay_for(wait);
  what->cancel(cancel_reason::user);
}

task<void> connect_and_cancel(outcome* into, session talk, duration after) {
  context& ctx = co_await this_context();
  cancel_scope mine(*ctx.cancel);
  context inner = ctx;
  inner.cancel = &mine;
  scope killer(ctx);
  killer.spawn(cancel_after(&mine, after));
  co_await with_context(inner, run_client({}, std::move(talk), into));
  std::ignore = co_await killer.join();
}

task<void> act_cancelled(sim_io* network, outcome* into, session talk, duration after) {
  http::server served(echoing(), {});
  scope serving(co_await this_context());
  serving.spawn(run_server(&served, *net::listener::open(*network, server_at().address)));
  co_await connect_and_cancel(into, std::move(talk), after);
  served.drain();
  EXPECT_TRUE(co_await serving.join());
}

TEST(websocket_peers, a_cancelled_client_leaves_nothing_behind_at_whatever_moment) {
  const auto send_much = [](connection& server) -> task<void> {
    for (int i = 0; i < 20; ++i) {
      const result<void> sent = co_await server.send(message_kind::binary, std::string(100'000, 'x'));
      if (!sent) co_return;
      const result<message> got = co_await server.receive();
      if (!got) co_return;
    }
    std::ignore = co_await server.until_closed();
  };
  for (duration after = 0ms; after < 120ms; after += 1ms) {
    outcome seen;
    auto world = std::make_unique<sim_io>(sim_options{.latency = 5ms});
    sim_io& simulated = *world;
    loop on(std::move(world));
    on.run(act_cancelled(&simulated, &seen, send_much, after));
    EXPECT_EQ(simulated.open_sockets(), 0U) << after / 1ms;
    EXPECT_EQ(simulated.lent_buffers(), 0U) << after / 1ms;
    EXPECT_EQ(seen.took, after);
  }
}

TEST(websocket_peers, a_client_s_session_that_throws_is_heard) {
  const auto throws = [](connection&) -> task<void> {
    throw std::runtime_error("a bug");
    co_return;
  };
  sim_options quiet;
  auto world = std::make_unique<sim_io>(quiet);
  sim_io& simulated = *world;
  loop on(std::move(world));
  const auto act_and_catch = [](sim_io* network, session talk) -> task<bool> {
    http::server served(echoing(), {});
    scope serving(co_await this_context());
    serving.spawn(run_server(&served, *net::listener::open(*network, server_at().address)));
    bool caught = false;
    try {
      std::ignore = co_await connect(server_at(), {}, std::move(talk));
    } catch (const std::runtime_error&) {
      caught = true;
    }
    served.drain();
    EXPECT_TRUE(co_await serving.join());
    co_return caught;
  };
  EXPECT_TRUE(on.run(act_and_catch(&simulated, throws)));
  EXPECT_EQ(simulated.open_sockets(), 0U);
}

}  // namespace
}  // namespace assay::websocket::testing
