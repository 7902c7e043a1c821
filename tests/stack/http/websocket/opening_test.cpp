// From HTTP to WebSocket on a server: what the answer says, what stays HTTP, and upgrades in general.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(websocket_opening, what_is_no_handshake_is_told_what_would_be_and_the_connection_is_kept) {
  const report all =
      play({.serve = echoing(),
            .clients = {{.pieces = {{0ms, http::testing::get("/") + http::testing::get("/")}}, .leave_at = 1s}}});
  const auto answers = http::testing::split_responses(all.clients[0]);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].status, 426);
  EXPECT_TRUE(answers[0].keep_alive);
  EXPECT_EQ(answers[0].header("upgrade"), "websocket");
  EXPECT_EQ(answers[0].header("sec-websocket-version"), "13");
  EXPECT_EQ(all.counters.handler_exceptions, 0U);
}

TEST(websocket_opening, requests_before_it_are_answered_first) {
  const auto mixed = [](http::request& asked) -> task<http::response> {
    static const endpoint point{endpoint_options{}};
    if (asked.path() == "/") co_return point.accept(asked, echo);
    co_return http::response::text(std::string(asked.path()));
  };
  const report all = play({.serve = mixed,
                           .clients = {{.pieces = {{0ms, http::testing::get("/one") + http::testing::get("/two") +
                                                             opening() + from_client(opcode::text, "three")},
                                                   {1s, close_from_client(1000)}}}}});
  const std::string& bytes = all.clients[0].bytes;
  const auto answers = bytes.find("HTTP/1.1 101");
  ASSERT_NE(answers, std::string::npos);
  EXPECT_THAT(bytes.substr(0, answers), HasSubstr("/one"));
  EXPECT_THAT(bytes.substr(0, answers), HasSubstr("/two"));
  const std::string_view rest = std::string_view(bytes).substr(bytes.find("\r\n\r\n", answers) + 4);
  EXPECT_THAT(frames_in(rest), ElementsAre("text three", "close 1000"));
  EXPECT_EQ(all.counters.requests, 3U);
}

TEST(websocket_opening, the_best_common_subprotocol_is_chosen) {
  const auto tell = [](connection& peer) -> task<void> {
    std::ignore = co_await peer.send(message_kind::text, "you speak " + peer.protocol());
  };
  const auto play_with = [&tell](std::string_view fields) {
    return play_client(serving(tell, {}, {"v2", "v1"}), {{0ms, opening(fields)}, {1s, close_from_client(1000)}});
  };
  const seen both = play_with("Sec-WebSocket-Protocol: v1, v2\r\n");
  EXPECT_THAT(both.head, HasSubstr("sec-websocket-protocol: v2\r\n"));
  EXPECT_EQ(both.frames[0], "text you speak v2");
  const seen none = play_with("Sec-WebSocket-Protocol: v3\r\n");
  EXPECT_THAT(none.head, Not(HasSubstr("sec-websocket-protocol")));
  EXPECT_EQ(none.status, 101);
}

TEST(websocket_opening, a_foreign_origin_is_refused_unless_it_is_allowed) {
  const std::string foreign = opening("Origin: https://evil.example\r\n");
  EXPECT_EQ(
      seen_by(play({.serve = echoing(), .clients = {{.pieces = {{0ms, foreign}}, .leave_at = 1s}}}).clients[0]).status,
      403);
  const auto open_to_all = [](http::request& asked) -> task<http::response> {
    static const endpoint point{{.allows = [](const http::request_head&) { return true; }}};
    co_return point.accept(asked, echo);
  };
  EXPECT_EQ(play_client(open_to_all, {{0ms, foreign + close_from_client(1000)}}).status, 101);
  EXPECT_EQ(play_client(echoing(), {{0ms, opening("Origin: https://test\r\n") + close_from_client(1000)}}).status, 101);
}

TEST(websocket_opening, settings_out_of_range_are_named) {
  settings wrong;
  wrong.deflate.max_window_bits = 8;
  wrong.max_queued_messages = 0;
  wrong.close_timeout = 0s;
  wrong.slow_code = close_code::abnormal;
  EXPECT_EQ(check(wrong).error(),
            "websocket.deflate.max_window_bits is out of range; allowed: 9 to 15\n"
            "websocket.max_queued_messages is out of range; allowed: 1 to 1000000\n"
            "websocket.slow_code is out of range; allowed: 1000 to 4999 without what is never sent\n"
            "websocket.close_timeout is out of range; allowed: 1 ms to 1 year");
  EXPECT_TRUE(check({}));
}

// --- upgrades as such ---

http::response upgrade_to(std::string name, http::upgrade_function serve) {
  http::response reply;
  reply.status = 101;
  reply.headers.emplace_back("upgrade", std::move(name));
  reply.upgrade = std::move(serve);
  return reply;
}

task<void> shout(http::upgraded& peer) {
  peer.writer().append("early: " + peer.take_early() + ";");
  while (true) {
    const result<net::chunk> some = co_await peer.stream().recv();
    if (!some || some->empty()) co_return;
    peer.writer().append(std::string(some->bytes()) + "!");
    peer.writer().kick(never);
  }
}

constexpr std::string_view ask_to_shout = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: shout\r\nConnection: upgrade\r\n\r\n";

TEST(http_upgrade, another_protocol_has_the_connection_to_itself) {
  const auto handler = [](http::request&) -> task<http::response> { co_return upgrade_to("shout", shout); };
  const report all = play({.serve = handler,
                           .clients = {{.pieces = {{0ms, std::string(ask_to_shout) + "GET / HTTP/1.1"}, {200s, "hey"}},
                                        .end_after_pieces = true}}});
  EXPECT_THAT(all.clients[0].bytes, ::testing::StartsWith("HTTP/1.1 101 Switching Protocols\r\ndate: "));
  EXPECT_THAT(all.clients[0].bytes, HasSubstr("\r\nupgrade: shout\r\nconnection: upgrade\r\n\r\n"));
  EXPECT_THAT(all.clients[0].bytes, Not(HasSubstr("content-length")));
  EXPECT_THAT(all.clients[0].bytes, ::testing::EndsWith("early: GET / HTTP/1.1;hey!"));
  EXPECT_EQ(all.clients[0].ended_after, 200s);  // no deadline of HTTP's holds any more
  EXPECT_EQ(all.counters.requests, 1U);
}

TEST(http_upgrade, only_who_asked_for_it_gets_one) {
  const auto handler = [](http::request&) -> task<http::response> { co_return upgrade_to("shout", shout); };
  for (const std::string& request :
       {http::testing::get("/"), http::testing::post("/", "body", "upgrade: shout\r\nconnection: upgrade\r\n")}) {
    const report all = play({.serve = handler, .clients = {{.pieces = {{0ms, request}}}}});
    EXPECT_THAT(http::testing::statuses(all.clients[0]), ElementsAre(500)) << request;
    EXPECT_EQ(all.counters.handler_exceptions, 1U);
  }
}

TEST(http_upgrade, an_answer_that_makes_no_sense_is_a_bug_of_the_service) {
  const auto handler = [](http::request& asked) -> task<http::response> {
    http::response reply = upgrade_to("shout", shout);
    if (asked.path() == "/status") reply.status = 200;
    if (asked.path() == "/field") reply.headers.clear();
    if (asked.path() == "/body") reply.body = "x";
    if (asked.path() == "/nothing") reply.upgrade = {};
    co_return reply;
  };
  for (const std::string_view path : {"/status", "/field", "/body", "/nothing"}) {
    const std::string request = http::testing::get(path, "upgrade: shout\r\nconnection: upgrade\r\n");
    EXPECT_THAT(http::testing::statuses(http::testing::play_one(handler, {{0ms, request}})), ElementsAre(500)) << path;
  }
}

task<void> throws_once_upgraded(http::upgraded&) {
  throw std::runtime_error("a bug in the protocol");
  co_return;
}

TEST(http_upgrade, one_that_throws_ends_the_connection_and_is_counted) {
  const auto handler = [](http::request&) -> task<http::response> {
    co_return upgrade_to("shout", throws_once_upgraded);
  };
  const report all = play({.serve = handler, .clients = {{.pieces = {{0ms, std::string(ask_to_shout)}}}}});
  EXPECT_THAT(all.clients[0].bytes, HasSubstr("101 Switching"));
  EXPECT_EQ(all.counters.handler_exceptions, 1U);
}

}  // namespace
}  // namespace assay::websocket::testing
