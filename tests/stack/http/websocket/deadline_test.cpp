// Signs of life, slow messages, idle connections: every wait on a peer ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(websocket_deadline, a_silent_peer_is_asked_for_a_sign_of_life_and_dropped_without_one) {
  const seen got = play_client(echoing(), {{0ms, opening()}});
  EXPECT_THAT(got.frames, ElementsAre("ping"));
  EXPECT_EQ(got.when("ping"), 30s);
  EXPECT_EQ(got.ended_after, 50s);
}

TEST(websocket_deadline, a_pong_is_a_sign_of_life_and_so_is_anything_else) {
  const seen got = play_client(echoing(), {{0ms, opening()},
                                           {35s, from_client(opcode::pong, "")},
                                           {70s, from_client(opcode::text, "here")},
                                           {105s, from_client(opcode::ping, "you?")},
                                           {140s, close_from_client(1000)}});
  EXPECT_THAT(got.frames, ElementsAre("ping", "ping", "text here", "ping", "pong you?", "ping", "close 1000"));
  EXPECT_EQ(got.when("close"), 140s);
}

TEST(websocket_deadline, a_busy_connection_is_not_asked) {
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 1; i <= 10; ++i) pieces.push_back({i * 20s, from_client(opcode::text, "x")});
  pieces.push_back({201s, close_from_client(1000)});
  const seen got = play_client(echoing(), pieces);
  EXPECT_EQ(got.frames.size(), 11U);
  EXPECT_EQ(std::ranges::count(got.frames, "ping"), 0);
}

TEST(websocket_deadline, a_message_has_so_long_from_its_first_byte_to_its_last) {
  const seen got = play_client(echoing(), {{0ms, opening()},
                                           {1s, from_client(opcode::text, "a", not_last)},
                                           {20s, from_client(opcode::continuation, "b", not_last)},
                                           {30s, from_client(opcode::ping, "")},
                                           {33s, close_from_client(1008)}});
  EXPECT_THAT(got.frames, ElementsAre("pong", "close 1008 the message did not arrive in time"));
  EXPECT_EQ(got.when("close"), 31s);
  EXPECT_EQ(got.ended_after, 33s);
}

TEST(websocket_deadline, a_header_that_drips_is_a_message_that_is_late) {
  const std::string frame = from_client(opcode::text, "x");
  const seen got = play_client(echoing(), {{0ms, opening()}, {1s, frame.substr(0, 1)}, {25s, frame.substr(1, 1)}});
  EXPECT_EQ(got.when("close 1008"), 31s);
  EXPECT_EQ(got.ended_after, 36s);
}

TEST(websocket_deadline, each_message_has_the_whole_time) {
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 0; i < 5; ++i) {
    const std::string frame = from_client(opcode::text, "abc");
    // The end of one comes with the beginning of the next.
    pieces.push_back({i * 20s, (i == 0 ? "" : frame.substr(5)) + frame.substr(0, 5)});
  }
  pieces.push_back({101s, from_client(opcode::text, "abc").substr(5) + close_from_client(1000)});
  EXPECT_THAT(play_client(echoing(), pieces).frames,
              ElementsAre("text abc", "text abc", "text abc", "text abc", "text abc", "close 1000"));
}

TEST(websocket_deadline, a_connection_without_messages_ends_although_it_lives) {
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 1; i < 15; ++i) pieces.push_back({i * 10s, from_client(opcode::ping, "")});
  pieces.push_back({151s, close_from_client(1001)});
  const seen got = play_client(echoing({.idle_timeout = 150s}), pieces);
  EXPECT_EQ(got.frames.back(), "close 1001 idle");
  EXPECT_EQ(got.when("close"), 150s);
}

task<void> only_listen(connection& peer) { std::ignore = co_await peer.until_closed(); }

TEST(websocket_deadline, what_is_received_counts_as_activity) {
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 1; i < 20; ++i) pieces.push_back({i * 20s, from_client(opcode::text, "x")});
  pieces.push_back({400s, close_from_client(1000)});
  const seen got = play_client(serving(only_listen, {.idle_timeout = 150s}), pieces);
  EXPECT_THAT(got.frames, ElementsAre("close 1000"));
}

task<void> tick(connection* peer) {
  for (int i = 0; i < 5; ++i) {
    std::ignore = co_await delay_for(100s);
    std::ignore = co_await peer->send(message_kind::text, "tick");
  }
  peer->close();
}

task<void> send_only(connection& peer) {
  scope sending(co_await this_context());
  sending.spawn(tick(&peer));
  std::ignore = co_await peer.until_closed();
  std::ignore = co_await sending.join();
}

TEST(websocket_deadline, what_is_sent_counts_as_activity) {
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 1; i <= 50; ++i) pieces.push_back({i * 10s, from_client(opcode::pong, "")});
  pieces.push_back({501s, close_from_client(1000)});
  const seen got = play_client(serving(send_only, {.idle_timeout = 150s}), pieces);
  EXPECT_THAT(got.frames, ElementsAre("text tick", "text tick", "text tick", "text tick", "text tick", "close 1000"));
}

TEST(websocket_deadline, a_session_that_only_sends_hears_that_the_peer_is_gone) {
  const seen got = play_client(serving(send_only), {{0ms, opening()}});
  EXPECT_EQ(got.when("ping"), 30s);
  // The sender ticks on, to nobody; until_closed() has said so at 50 s, and this session does not ask.
  EXPECT_THAT(got.frames, ElementsAre("ping"));
}

// --- the session's own time ---

task<result<void>> receive_one(connection* peer, std::vector<std::string>* into) {
  const result<message> got = co_await peer->receive();
  into->push_back(got ? got->payload : std::string(label(got.error().code)));
  co_return result<void>{};
}

task<void> receive_with_deadlines(std::vector<std::string>* into, connection& peer) {
  const context& ctx = co_await this_context();
  for (int i = 0; i < 8; ++i) {
    std::ignore = co_await with_deadline(ctx.on->turn_time() + 10s, receive_one(&peer, into));
  }
}

TEST(websocket_deadline, the_caller_s_own_deadline_loses_nothing_and_keepalive_goes_on) {
  std::vector<std::string> told;
  const std::string frame = from_client(opcode::text, "cut");
  const seen got = play_client(
      serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return receive_with_deadlines(&told, peer); }),
      {{0ms, opening()}, {5s, frame.substr(0, 7)}, {15s, frame.substr(7)}});
  // 5 s into the first wait half a message came, 5 s into the second the rest; then silence: a ping 30 s later, and
  // 20 s after that the end, at 65 s.
  EXPECT_THAT(told, ElementsAre("timed_out", "cut", "timed_out", "timed_out", "timed_out", "timed_out", "timed_out",
                                "timed_out"));
  EXPECT_EQ(got.when("ping"), 45s);
  EXPECT_EQ(got.ended_after, 65s);
}

task<void> busy_elsewhere(std::vector<std::string>* into, connection& peer) {
  std::ignore = co_await delay_for(1000s);
  std::ignore = co_await receive_one(&peer, into);
  std::ignore = co_await receive_one(&peer, into);
}

TEST(websocket_deadline, a_peer_is_not_blamed_for_the_time_in_which_nobody_listened) {
  std::vector<std::string> told;
  const seen got =
      play_client(serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return busy_elsewhere(&told, peer); }),
                  {{0ms, opening()},
                   {1s, from_client(opcode::text, "patient", not_last)},
                   {1010s, from_client(opcode::continuation, " peer") + from_client(opcode::text, "still here")},
                   {1011s, close_from_client(1000)}});
  EXPECT_THAT(told, ElementsAre("patient peer", "still here"));
  EXPECT_THAT(got.frames, ElementsAre("close 1000"));
}

}  // namespace
}  // namespace assay::websocket::testing
