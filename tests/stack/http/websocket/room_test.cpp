// Everybody in a room is told, the slow ones alone miss something, and a full one lets nobody in.
#include "stack/http/websocket/room.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

http::handler entering(room& of) {
  return [&of] ASSAY_CORO_WRAPPER(http::request & asked) {
    return [](room* in, http::request* who) -> task<http::response> { co_return in->enter(*who); }(&of, &asked);
  };
}

// Whoever says something is heard by all.
struct chat {
  room everybody;
  std::vector<std::size_t> told;

  explicit chat(const room_options& options = {})
      : everybody(options, [this](const message& said) { told.push_back(everybody.tell(said.kind, said.payload)); }) {}
};

TEST(websocket_room, all_who_are_in_hear_it_and_who_has_left_does_not) {
  chat of;
  const report all = play(
      {.serve = entering(of.everybody),
       .clients = {
           {.pieces = {{0ms, opening()}, {1s, from_client(opcode::text, "hello")}, {9s, close_from_client(1000)}}},
           {.pieces = {{0ms, opening()}, {2s, close_from_client(1000)}}},
           {.pieces = {{0ms, opening()}, {3s, from_client(opcode::binary, "bye")}, {9s, close_from_client(1000)}}}}});
  EXPECT_THAT(seen_by(all.clients[0]).frames, ElementsAre("text hello", "binary bye", "close 1000"));
  EXPECT_THAT(seen_by(all.clients[1]).frames, ElementsAre("text hello", "close 1000"));
  EXPECT_THAT(seen_by(all.clients[2]).frames, ElementsAre("text hello", "binary bye", "close 1000"));
  EXPECT_THAT(of.told, ElementsAre(3U, 2U));
  EXPECT_EQ(of.everybody.members(), 0U);
}

TEST(websocket_room, for_one_that_does_not_read_nobody_waits) {
  chat of({.door = {.connections = {.max_queued_bytes = 100'000, .when_slow = slow_reader::skip}}});
  std::vector<piece> talk = {{0ms, opening()}};
  for (int i = 0; i < 20; ++i) talk.push_back({1s + i * 1ms, from_client(opcode::binary, std::string(50'000, 'x'))});
  talk.push_back({9s, close_from_client(1000)});
  const report all = play(
      {.serve = entering(of.everybody),
       .clients = {{.pieces = talk}, {.pieces = {{0ms, opening()}, {9s, close_from_client(1000)}}, .read_from = 8s}}});
  EXPECT_EQ(seen_by(all.clients[0]).frames.size(), 21U) << "all that was said, and the close";
  EXPECT_LT(seen_by(all.clients[1]).frames.size(), 15U);
  EXPECT_EQ(of.told.front(), 2U);
  EXPECT_EQ(of.told.back(), 1U);
}

TEST(websocket_room, a_full_one_says_so) {
  chat of({.max_members = 1});
  const report all =
      play({.serve = entering(of.everybody),
            .clients = {{.pieces = {{0ms, opening()}, {9s, close_from_client(1000)}}}, {.pieces = {{1s, opening()}}}}});
  EXPECT_EQ(seen_by(all.clients[0]).status, 101);
  EXPECT_EQ(seen_by(all.clients[1]).status, 503);
}

TEST(websocket_room_death, goes_after_its_members) {
  const auto leaves_early = [] {
    auto of = std::make_unique<room>();
    const http::handler shut = [&of] ASSAY_CORO_WRAPPER(http::request & asked) {
      return [](std::unique_ptr<room>* in, http::request* who) -> task<http::response> {
        if (who->target() != "/") in->reset();
        co_return *in ? (*in)->enter(*who) : http::response::text("gone\n");
      }(&of, &asked);
    };
    std::ignore =
        play({.serve = shut,
              .clients = {{.pieces = {{0ms, opening()}}}, {.pieces = {{1s, "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"}}}}});
  };
  EXPECT_DEATH(leaves_early(), "a room stays until its members have left");
}

}  // namespace
}  // namespace assay::websocket::testing
