// A server that drains says 1001 to each connection, lets it answer, and cuts who does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(websocket_drain, everyone_is_told_and_may_answer) {
  const report all = play({.serve = echoing(),
                           .clients = {{.pieces = {{0ms, opening()}, {6s, close_from_client(1001)}}},
                                       {.pieces = {{0ms, opening()},
                                                   {5500ms, from_client(opcode::text, "my last words")},
                                                   {7s, close_from_client(1001)}}}},
                           .drain_at = 5s});
  for (const client_record& each : all.clients) {
    EXPECT_THAT(seen_by(each).frames, ElementsAre("close 1001 the server is shutting down"));
    EXPECT_EQ(seen_by(each).when("close"), 5s);
  }
  EXPECT_EQ(all.clients[0].ended_after, 6s);
  EXPECT_EQ(all.clients[1].ended_after, 7s);
  EXPECT_EQ(all.server_ended_after, 7s);
  EXPECT_EQ(all.counters.cut, 0U);
}

TEST(websocket_drain, who_does_not_answer_is_waited_for_as_any_close_is) {
  const report all = play({.serve = echoing(), .clients = {{.pieces = {{0ms, opening()}}}}, .drain_at = 5s});
  EXPECT_EQ(all.clients[0].ended_after, 10s);
  EXPECT_EQ(all.server_ended_after, 10s);
  EXPECT_EQ(all.counters.cut, 0U);
}

task<void> deaf(connection& peer) {
  std::ignore = co_await peer.receive();
  std::ignore = co_await delay_for(1h);
}

TEST(websocket_drain, a_session_that_does_not_end_is_cut_and_counted) {
  const report all =
      play({.serve = serving(deaf),
            .clients = {{.pieces = {{0ms, opening() + from_client(opcode::text, "x")}, {6s, close_from_client(1001)}}}},
            .drain_at = 5s});
  EXPECT_THAT(seen_by(all.clients[0]).frames, ElementsAre("close 1001 the server is shutting down"));
  EXPECT_EQ(all.clients[0].ended_after, 15s);
  EXPECT_EQ(all.counters.cut, 1U);
}

task<http::response> slow_handler(http::handler next, http::request& asked) {
  std::ignore = co_await delay_for(2s);
  co_return co_await next(asked);
}

TEST(websocket_drain, one_that_is_opened_while_the_server_drains_is_closed_at_once) {
  const http::handler late = [next = echoing()] ASSAY_CORO_WRAPPER(http::request & asked) {
    return slow_handler(next, asked);
  };
  const report all =
      play({.serve = late, .clients = {{.pieces = {{0ms, opening()}, {3s, close_from_client(1001)}}}}, .drain_at = 1s});
  const seen got = seen_by(all.clients[0]);
  EXPECT_THAT(got.frames, ElementsAre("close 1001 the server is shutting down"));
  EXPECT_EQ(got.when("close"), 2s);
  EXPECT_EQ(got.ended_after, 3s);
}

TEST(websocket_drain, what_is_queued_for_a_slow_reader_still_arrives) {
  const auto flood = [](connection& peer) -> task<void> {
    for (int i = 0; i < 20; ++i) std::ignore = co_await peer.send(message_kind::binary, std::string(50'000, 'x'));
    std::ignore = co_await peer.until_closed();
  };
  const report all = play({.serve = serving(flood),
                           .clients = {{.pieces = {{0ms, opening()}, {4s, close_from_client(1001)}}, .read_from = 3s}},
                           .drain_at = 1s});
  const seen got = seen_by(all.clients[0]);
  EXPECT_EQ(got.frames.size(), 21U);
  EXPECT_EQ(got.frames.back(), "close 1001 the server is shutting down");
  EXPECT_EQ(all.server_ended_after, 4s);
}

}  // namespace
}  // namespace assay::websocket::testing
