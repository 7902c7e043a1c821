// What users of other WebSocket libraries complain of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "stack/http/websocket/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;

constexpr int count_each_way = 100;
constexpr std::size_t talk_bytes = 50'000;

struct talk_notes {
  int sent = 0;
  int received = 0;
};

task<void> send_all(connection* peer, talk_notes* into) {
  const std::string payload(talk_bytes, 'x');
  for (int i = 0; i < count_each_way; ++i) {
    const result<void> sent = co_await peer->send(message_kind::binary, payload);
    if (sent) into->sent++;
  }
}

// Sends without waiting for what it receives, and the other way round.
task<void> talk_at_once(talk_notes* into, connection& peer) {
  scope sending(co_await this_context());
  sending.spawn(send_all(&peer, into));
  while (into->received < count_each_way) {
    const result<message> got = co_await peer.receive();
    if (!got) break;
    into->received++;
  }
  std::ignore = co_await sending.join();
}

task<void> run_talk_server(http::server* served, net::listener from) {
  std::ignore = co_await served->run(std::move(from));
}

task<void> both_talk(sim_io* network, talk_notes* server_side, talk_notes* client_side) {
  const socket_address at = *net::parse_address("127.0.0.1", 80);
  http::server served(
      serving([server_side] ASSAY_CORO_WRAPPER(connection & peer) { return talk_at_once(server_side, peer); }), {});
  scope running(co_await this_context());
  running.spawn(run_talk_server(&served, *net::listener::open(*network, at)));
  const result<void> ended = co_await connect(
      {.host = "test", .address = at}, {},
      [client_side] ASSAY_CORO_WRAPPER(connection & server) { return talk_at_once(client_side, server); });
  EXPECT_TRUE(ended);
  served.drain();
  std::ignore = co_await running.join();
}

// "No WebSocket client; the server's example lacks full duplex."
TEST(websocket_complaint, userver_399_there_is_a_client_and_both_sides_talk_at_once) {
  auto world = std::make_unique<sim_io>(sim_options{.latency = 1ms});
  sim_io& network = *world;
  loop on(std::move(world));
  talk_notes server_side;
  talk_notes client_side;
  on.run(both_talk(&network, &server_side, &client_side));
  for (const talk_notes& side : {server_side, client_side}) {
    EXPECT_EQ(side.sent, count_each_way);
    EXPECT_EQ(side.received, count_each_way);
  }
}

struct flood_notes {
  std::size_t most_queued_bytes = 0;
  std::size_t taken = 0;
  std::size_t refused = 0;
};

// To a peer that does not read for ten seconds, and never waits for it.
task<void> flood(flood_notes* into, std::size_t limit_bytes, connection& peer) {
  for (std::size_t i = 0; i < 500; ++i) {
    const std::string payload = std::to_string(i) + std::string(1 + i * 7919 % (limit_bytes / 4), '.');
    const result<void> queued = peer.try_send(message_kind::text, payload);
    (queued ? into->taken : into->refused)++;
    if (!queued) EXPECT_EQ(queued.error().code, errc::limit);
    into->most_queued_bytes = std::max(into->most_queued_bytes, peer.queued_bytes());
    std::ignore = co_await delay_for(1ms);
  }
  std::ignore = co_await peer.until_closed();
}

// "maxBackpressure is not a hard limit: publishing can overshoot by many messages", and "messages are silently dropped
// under backpressure" (uWebSockets.js#499).
TEST(websocket_complaint, uwebsockets_1337_and_js_499_the_limit_is_hard_and_nothing_is_dropped_in_silence) {
  constexpr std::size_t limit_bytes = 100'000;
  flood_notes told;
  const report all =
      play({.serve = serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return flood(&told, limit_bytes, peer); },
                             {.max_queued_bytes = limit_bytes}),
            .clients = {{.pieces = {{0ms, opening()}, {11s, close_from_client(1000)}}, .read_from = 10s}}});
  const seen got = seen_by(all.clients[0]);
  EXPECT_LE(told.most_queued_bytes, limit_bytes);
  EXPECT_GT(told.refused, 0U);
  const auto arrived =
      std::ranges::count_if(got.frames, [](const std::string& each) { return each.starts_with("text"); });
  EXPECT_EQ(static_cast<std::size_t>(arrived), told.taken) << "what was taken has arrived, and the rest was refused";
}

struct timing_notes {
  std::optional<error> first;
  std::string later;
  bool sent = false;
};

task<result<message>> next_of(connection* peer) { co_return co_await peer->receive(); }

task<void> wait_send_and_wait(timing_notes* into, connection& peer) {
  const context& ctx = co_await this_context();
  const result<message> none = co_await with_deadline(ctx.on->now() + 1s, next_of(&peer));
  if (!none) into->first = none.error();
  into->sent = (co_await peer.send(message_kind::text, "still here")).has_value();
  result<message> got = co_await peer.receive();
  if (got) into->later = got->payload;
}

// "Timeouts are difficult to implement"; one timer shared by reading and writing, and no use after it has expired
// (#2952).
TEST(websocket_complaint, beast_1215_and_2952_a_receive_that_timed_out_disturbs_nothing) {
  timing_notes told;
  const seen got =
      play_client(serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return wait_send_and_wait(&told, peer); }),
                  {{0ms, opening()}, {5s, from_client(opcode::text, "at last")}, {6s, close_from_client(1000)}});
  ASSERT_TRUE(told.first);
  EXPECT_EQ(told.first->code, errc::timed_out);
  EXPECT_TRUE(told.sent);
  EXPECT_EQ(got.when("text still here"), 1s);
  EXPECT_EQ(told.later, "at last");
}

}  // namespace
}  // namespace assay::websocket::testing
