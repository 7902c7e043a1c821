// How a connection ends (Autobahn 7, and the violations of 3 to 6 as a peer meets them): who says what, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// What a session saw, for when it is over.
struct notes {
  std::vector<std::string> messages;
  std::optional<error> failure;
  std::optional<close_frame> peer_close;
  duration ended_after = duration::zero();

  std::string code() const { return failure ? std::string(label(failure->code)) : "none"; }
};

task<void> take_notes(notes* into, connection& peer) {
  const context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  while (true) {
    const result<message> got = co_await peer.receive();
    if (!got) {
      into->failure = got.error();
      into->peer_close = peer.peer_close();
      into->ended_after = ctx.on->turn_time() - start;
      co_return;
    }
    into->messages.push_back(got->payload);
  }
}

http::handler noting(notes& into, const settings& to = {}) {
  return serving([&into] ASSAY_CORO_WRAPPER(connection & peer) { return take_notes(&into, peer); }, to);
}

TEST(websocket_close, a_close_is_answered_with_its_code_and_the_session_is_told) {
  notes told;
  const seen got = play_client(noting(told), {{0ms, opening() + close_from_client(4999, "done")}});
  EXPECT_THAT(got.frames, ElementsAre("close 4999"));
  EXPECT_EQ(told.code(), "closed");
  ASSERT_TRUE(told.peer_close);
  EXPECT_EQ(told.peer_close->code, static_cast<close_code>(4999));
  EXPECT_EQ(told.peer_close->reason, "done");
}

TEST(websocket_close, a_close_without_a_code_is_answered_without_one) {
  EXPECT_THAT(play_client(echoing(), {{0ms, opening() + from_client(opcode::close, "")}}).frames, ElementsAre("close"));
}

TEST(websocket_close, what_comes_after_a_close_is_not_read) {
  for (const std::string& late : {close_from_client(1000), from_client(opcode::ping, "p"),
                                  from_client(opcode::text, "t"), bytes_of("ff ff ff ff")}) {
    const seen got = play_client(echoing(), {{0ms, opening() + close_from_client(1000) + late}});
    EXPECT_THAT(got.frames, ElementsAre("close 1000"));
  }
}

TEST(websocket_close, a_close_in_the_middle_of_a_message) {
  const seen got =
      play_client(echoing(), {{0ms, opening() + from_client(opcode::text, "a", not_last) + close_from_client(1000)}});
  EXPECT_THAT(got.frames, ElementsAre("close 1000"));
}

TEST(websocket_close, a_violation_is_named_in_a_close_that_arrives) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {bytes_of("83 80 00000000"), "close 1002 the opcode is reserved"},
      {bytes_of("91 80 00000000"), "close 1002 a reserved bit is set that nothing was agreed about"},
      {bytes_of("81 00"), "close 1002 a client's frame is not masked"},
      {from_client(opcode::ping, "x", not_last), "close 1002 a control frame is fragmented"},
      {from_client(opcode::continuation, "x"), "close 1002 a continuation without a message to continue"},
      {from_client(opcode::text, "\xff"), "close 1007 text is not UTF-8"},
      {close_from_client(1005), "close 1002 a close code that may not be sent"},
      {close_from_client(1000, "\xff"), "close 1007 text is not UTF-8"},
      {from_client(opcode::close, "x"), "close 1002 a close frame of one byte"},
      {bytes_of("82 ff 0000000000200000 00000000"), "close 1009 the frame is too large"},
  };
  for (const auto& [bad, answer] : rows) {
    notes told;
    // More than the server will read is on its way: the Close must survive that.
    const seen got = play_client(noting(told),
                                 {{0ms, opening() + from_client(opcode::text, "good") + bad + std::string(20'000, 'x')},
                                  {1ms, std::string(20'000, 'y')}});
    EXPECT_THAT(got.frames, ElementsAre(answer));
    EXPECT_FALSE(got.failure) << answer;
    EXPECT_THAT(told.messages, ElementsAre("good"));
    EXPECT_EQ(told.code(), answer.starts_with("close 1009") ? "limit" : "protocol");
  }
}

TEST(websocket_close, an_end_without_a_close) {
  notes told;
  const report all = play(
      {.serve = noting(told),
       .clients = {{.pieces = {{0ms, opening()}, {1s, from_client(opcode::text, "a")}}, .end_after_pieces = true}}});
  EXPECT_THAT(seen_by(all.clients[0]).frames, IsEmpty());
  EXPECT_EQ(all.clients[0].ended_after, 1s);
  EXPECT_THAT(told.messages, ElementsAre("a"));
  EXPECT_EQ(told.code(), "closed");
  EXPECT_FALSE(told.peer_close);
}

// --- we close ---

task<void> greet(connection& peer) { std::ignore = co_await peer.send(message_kind::text, "welcome"); }

TEST(websocket_close, a_session_that_returns_closes_in_good_order) {
  const seen got = play_client(serving(greet), {{0ms, opening()}, {2s, close_from_client(1000)}});
  EXPECT_THAT(got.frames, ElementsAre("text welcome", "close 1000"));
  EXPECT_EQ(got.when("close"), 0s);
  EXPECT_EQ(got.ended_after, 2s);
}

TEST(websocket_close, a_close_that_is_not_answered_is_waited_for_until_its_deadline) {
  const seen got = play_client(serving(greet), {{0ms, opening()}, {3s, from_client(opcode::ping, "")}});
  EXPECT_THAT(got.frames, ElementsAre("text welcome", "close 1000"));  // and no pong behind it
  EXPECT_EQ(got.ended_after, 5s);
}

task<void> throws(connection& peer) {
  std::ignore = co_await peer.receive();
  throw std::runtime_error("a bug in the session");
}

TEST(websocket_close, a_session_that_throws_closes_with_1011_and_is_counted) {
  const report all = play(
      {.serve = serving(throws),
       .clients = {{.pieces = {{0ms, opening() + from_client(opcode::text, "x")}, {1s, close_from_client(1011)}}}}});
  const seen got = seen_by(all.clients[0]);
  EXPECT_THAT(got.frames, ElementsAre("close 1011"));
  EXPECT_EQ(got.ended_after, 1s);
  EXPECT_EQ(all.counters.handler_exceptions, 1U);
}

task<void> close_then_listen(notes* into, connection& peer) {
  peer.close(static_cast<close_code>(4001), "enough");
  peer.close(close_code::normal, "again: does nothing");
  const result<void> sent = co_await peer.send(message_kind::text, "too late");
  into->messages.emplace_back(sent ? "sent" : label(sent.error().code));
  co_await take_notes(into, peer);
}

TEST(websocket_close, after_our_close_nothing_is_sent_and_the_rest_is_received) {
  notes told;
  const seen got =
      play_client(serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return close_then_listen(&told, peer); }),
                  {{0ms, opening()},
                   {1s, from_client(opcode::text, "was on its way")},
                   {2s, close_from_client(4001)},
                   {3s, from_client(opcode::text, "never read")}});
  EXPECT_THAT(got.frames, ElementsAre("close 4001 enough"));
  EXPECT_THAT(told.messages, ElementsAre("closed", "was on its way"));
  EXPECT_EQ(told.code(), "closed");
  EXPECT_EQ(told.ended_after, 2s);
}

task<void> close_after(connection* peer, duration wait) {
  std::ignore = co_await delay_for(wait);
  peer->close(close_code::going_away, "as planned");
}

task<void> closed_by_another_task(notes* into, connection& peer) {
  scope others(co_await this_context());
  others.spawn(close_after(&peer, 7s));
  co_await take_notes(into, peer);
  std::ignore = co_await others.join();
}

TEST(websocket_close, a_close_by_another_task_sets_its_deadline_to_whoever_receives) {
  notes told;
  const seen got = play_client(
      serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return closed_by_another_task(&told, peer); }),
      {{0ms, opening()}});
  EXPECT_THAT(got.frames, ElementsAre("close 1001 as planned"));
  EXPECT_EQ(got.when("close"), 7s);
  EXPECT_EQ(told.ended_after, 12s);
  EXPECT_EQ(told.code(), "timed_out");
  EXPECT_EQ(got.ended_after, 12s);
}

TEST(websocket_close, both_at_once) {
  // Each side's Close crosses the other's on the way.
  const seen got =
      play_client(serving(greet), {{0ms, opening()}, {110ms, close_from_client(1001)}}, http::testing::distant(30ms));
  EXPECT_THAT(got.frames, ElementsAre("text welcome", "close 1000"));
  EXPECT_LT(got.ended_after, 200ms);
  EXPECT_FALSE(got.failure);
}

TEST(websocket_close, the_client_leaves_while_much_is_on_its_way) {
  const report all =
      play({.serve = echoing(),
            .network = http::testing::distant(5ms),
            .clients = {{.pieces = {{0ms, opening() + from_client(opcode::binary, std::string(500'000, 'x'))}},
                         .leave_at = 40ms}}});
  EXPECT_LT(all.server_ended_after, 1s);
}

}  // namespace
}  // namespace assay::websocket::testing
