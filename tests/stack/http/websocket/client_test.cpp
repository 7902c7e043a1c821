// Our client before servers that break the rules.
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
using ::testing::HasSubstr;

socket_address server_address() { return net::parse_address("127.0.0.1", 80).value(); }

// What a raw server does with its one connection: "$accept" in its pieces is the answer to the client's key.
struct server_script {
  std::vector<piece> pieces;
  std::optional<duration> close_at = {};  // since the request came; without it when the client has left
  bool goes_on = false;                   // until close_at, although the client sends no more
};

struct client_notes {
  std::vector<std::string> told;  // by the session
  std::string failure = "never connected";
  duration took = duration::zero();
  std::string request;
  std::string received;  // by the server, behind the request
  std::string end;       // of what it received
};

std::string_view field_of(std::string_view head, std::string_view name) {
  const std::size_t at = head.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view value = head.substr(at + name.size());
  return value.substr(0, value.find("\r\n"));
}

task<void> send_script(net::stream* to, const server_script* script, std::string accept, instant start) {
  for (const piece& each : script->pieces) {
    std::ignore = co_await delay_until(start + each.at);
    std::string bytes = each.bytes;
    if (const std::size_t at = bytes.find("$accept"); at != std::string::npos) bytes.replace(at, 7, accept);
    const result<void> sent = co_await to->send_all(bytes);
    if (!sent) co_return;
  }
}

task<void> serve_raw(net::listener* door, const server_script* script, client_notes* notes) {
  result<net::stream> peer = co_await door->accept();
  if (!peer) co_return;
  while (!notes->request.contains("\r\n\r\n")) {
    const result<net::chunk> some = co_await peer->recv();
    if (!some || some->empty()) co_return;
    notes->request.append(some->bytes());
  }
  context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  scope sending(ctx);
  sending.spawn(send_script(&*peer, script, accept_key(field_of(notes->request, "sec-websocket-key: ")), start));
  const instant end = script->close_at ? start + *script->close_at : never;
  while (true) {
    const result<net::chunk> some = co_await peer->recv(end);
    if (!some || some->empty()) {
      notes->end = some ? "closed" : describe(some.error());
      break;
    }
    notes->received.append(some->bytes());
  }
  if (script->goes_on) std::ignore = co_await delay_until(end);
  sending.cancel(cancel_reason::user);
  std::ignore = co_await sending.join();
}

task<void> act(sim_io* network, const server_script* script, client_options options, session talk,
               client_notes* notes) {
  context& ctx = co_await this_context();
  result<net::listener> door = net::listener::open(*network, server_address());
  scope serving(ctx);
  serving.spawn(serve_raw(&*door, script, notes));
  const instant start = ctx.on->turn_time();
  const result<void> ended =
      co_await connect({.host = "test", .address = server_address()}, std::move(options), std::move(talk));
  notes->failure = ended ? "none" : describe(ended.error());
  notes->took = ctx.on->turn_time() - start;
  std::ignore = co_await serving.join();  // it ends when the client has left
}

task<void> listen(client_notes* notes, connection& server) {
  while (true) {
    const result<message> got = co_await server.receive();
    if (!got) {
      notes->told.push_back("end: " + describe(got.error()));
      co_return;
    }
    notes->told.push_back(got->payload);
  }
}

client_notes visit(const server_script& script, client_options options = {}) {
  client_notes notes;
  auto world = std::make_unique<sim_io>(sim_options{});
  sim_io& network = *world;
  loop on(std::move(world));
  on.run(act(
      &network, &script, std::move(options),
      [&notes] ASSAY_CORO_WRAPPER(connection & server) { return listen(&notes, server); }, &notes));
  EXPECT_EQ(network.open_sockets(), 0U);
  EXPECT_EQ(network.lent_buffers(), 0U);
  return notes;
}

std::string switched(std::string_view more_fields = {}) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: $accept\r\n" +
         std::string(more_fields) + "\r\n";
}

TEST(websocket_client, the_request_and_a_whole_conversation) {
  const client_notes notes =
      visit({.pieces = {{0ms, switched() + from_server(opcode::text, "came with the head")},
                        {1s, from_server(opcode::ping, "there?") + from_server(opcode::text, "bye")},
                        {2s, close_from_server(1001)}},
             .close_at = 3s},
            {.target = "/live?x=1", .headers = {{"origin", "https://shop.example"}}});
  EXPECT_THAT(notes.request, ::testing::StartsWith("GET /live?x=1 HTTP/1.1\r\nHost: test\r\n"));
  for (const std::string_view field : {"upgrade: websocket\r\n", "connection: upgrade\r\n",
                                       "sec-websocket-version: 13\r\n", "origin: https://shop.example\r\n"}) {
    EXPECT_THAT(notes.request, HasSubstr(std::string(field)));
  }
  EXPECT_EQ(field_of(notes.request, "sec-websocket-key: ").size(), 24U);
  EXPECT_THAT(notes.told, ElementsAre("came with the head", "bye", "end: closed: closed"));
  EXPECT_THAT(frames_in(notes.received, role::client), ElementsAre("pong there?", "close 1001"));
  EXPECT_EQ(notes.failure, "none");
  EXPECT_EQ(notes.took, 3s);  // the server is the first to go
}

TEST(websocket_client, a_server_that_does_not_hang_up_is_left) {
  const client_notes notes = visit({.pieces = {{0ms, switched() + close_from_server(1000)}}});
  EXPECT_EQ(notes.took, 5s);
}

TEST(websocket_client, a_masked_frame_ends_it_and_says_why) {
  const client_notes notes = visit({.pieces = {{0ms, switched() + from_client(opcode::text, "masked")}}});
  EXPECT_THAT(notes.told, ElementsAre("end: a server's frame is masked: protocol"));
  EXPECT_THAT(frames_in(notes.received, role::client), ElementsAre("close 1002 a server's frame is masked"));
}

TEST(websocket_client, a_server_that_goes_on_sending_hears_why) {
  std::string sent = switched() + from_client(opcode::text, "masked");
  for (int i = 0; i < 100; ++i) sent += from_server(opcode::text, std::string(10'000, 'x'));
  const client_notes notes = visit({.pieces = {{0ms, sent}}});
  EXPECT_THAT(frames_in(notes.received, role::client), ElementsAre("close 1002 a server's frame is masked"));
  EXPECT_EQ(notes.end, "closed");  // a reset would have taken the Close away from many
}

TEST(websocket_client, a_server_that_never_stops_sending_is_left) {
  std::vector<piece> pieces = {{0ms, switched() + from_client(opcode::text, "masked")}};
  for (auto at = 100ms; at < 20s; at += 100ms) pieces.push_back({at, from_server(opcode::text, "and on")});
  const client_notes notes = visit({.pieces = pieces, .close_at = 30s, .goes_on = true});
  EXPECT_EQ(notes.took, 5s);
}

TEST(websocket_client, an_end_without_a_close) {
  const client_notes notes = visit({.pieces = {{0ms, switched()}}, .close_at = 2s});
  EXPECT_THAT(notes.told, ElementsAre("end: the connection ended without a Close: closed"));
  EXPECT_EQ(notes.took, 2s);
}

TEST(websocket_client, answers_that_are_no_handshake) {
  const auto failure_of = [](const std::string& answer) { return visit({.pieces = {{0ms, answer}}}).failure; };
  const std::string refused = "the server did not switch to WebSocket: ";
  for (const auto& [status, code] : std::vector<std::pair<std::string, std::string>>{{"200 OK", "refused"},
                                                                                     {"302 Found", "refused"},
                                                                                     {"401 Unauthorized", "permission"},
                                                                                     {"403 Forbidden", "permission"},
                                                                                     {"429 Too Many", "limit"},
                                                                                     {"503 Later", "limit"}}) {
    EXPECT_EQ(failure_of("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"), refused + code);
  }
  EXPECT_EQ(failure_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
            "the server switched to something else than WebSocket: protocol");
  EXPECT_EQ(failure_of("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
            "the server's Sec-WebSocket-Accept does not answer our key: protocol");
  EXPECT_EQ(failure_of(switched("Sec-WebSocket-Protocol: unasked\r\n")),
            "the server chose a subprotocol that was not offered: protocol");
  EXPECT_THAT(failure_of("SSH-2.0-OpenSSH_9.2\r\n"), HasSubstr("protocol"));
  EXPECT_THAT(failure_of(std::string(70'000, 'x')), HasSubstr("protocol"));
}

TEST(websocket_client, an_interim_answer_is_passed_over) {
  const client_notes notes = visit(
      {.pieces = {{0ms, "HTTP/1.1 103 Early Hints\r\n\r\n" + switched() + close_from_server(1000)}}, .close_at = 1s});
  EXPECT_EQ(notes.failure, "none");
  std::string endless;
  for (int i = 0; i < 100; ++i) endless += "HTTP/1.1 103 Early Hints\r\n\r\n";
  EXPECT_EQ(visit({.pieces = {{0ms, endless}}}).failure, "too many interim responses: protocol");
}

TEST(websocket_client, an_answer_that_drips_ends_with_the_handshake_s_deadline) {
  std::vector<piece> drops;
  const std::string answer = switched();
  for (std::size_t at = 0; at < answer.size(); ++at) drops.push_back({at * 1s, answer.substr(at, 1)});
  const client_notes notes = visit({.pieces = drops});
  EXPECT_THAT(notes.failure, HasSubstr("timed_out"));
  EXPECT_EQ(notes.took, 10s);
}

TEST(websocket_client, nobody_listens) {
  auto world = std::make_unique<sim_io>(sim_options{});
  loop on(std::move(world));
  const auto attempt = []() -> task<result<void>> {
    co_return co_await connect({.host = "test", .address = server_address()}, {}, echo);
  };
  const result<void> ended = on.run(attempt());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, errc::refused);
}

}  // namespace
}  // namespace assay::websocket::testing
