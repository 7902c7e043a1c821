// An echo server before raw clients: framing, fragmentation and pings of the Autobahn suite (1, 2, 5, 9, 10) on a
// connection, and whatever a network may do to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(websocket_echo, a_message_and_a_close) {
  const seen got = play_client(
      echoing(), {{0ms, opening() + from_client(opcode::text, "hello")}, {1s, close_from_client(1000, "bye")}});
  EXPECT_EQ(got.status, 101);
  EXPECT_THAT(got.head, ::testing::HasSubstr("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(got.head, ::testing::HasSubstr("connection: upgrade\r\n"));
  EXPECT_THAT(got.frames, ElementsAre("text hello", "close 1000"));
  EXPECT_EQ(got.when("text"), 0s);
  EXPECT_EQ(got.ended_after, 1s);
  EXPECT_FALSE(got.failure);
}

TEST(websocket_echo, messages_of_every_size_that_changes_the_header) {
  for (const std::size_t size : {0U, 125U, 126U, 127U, 65535U, 65536U, 1'000'000U}) {
    const std::string payload(size, '\xfe');
    const seen got =
        play_client(echoing(), {{0ms, opening() + from_client(opcode::binary, payload) + close_from_client(1000)}});
    EXPECT_THAT(got.frames, ElementsAre(size == 0 ? "binary" : "binary " + payload, "close 1000")) << size;
  }
}

TEST(websocket_echo, a_byte_at_a_time) {
  const std::string bytes =
      opening() + from_client(opcode::text, "slowly") + from_client(opcode::ping, "ping") + close_from_client(1000);
  std::vector<piece> pieces;
  for (std::size_t at = 0; at < bytes.size(); ++at) pieces.push_back({at * 1ms, bytes.substr(at, 1)});
  EXPECT_THAT(play_client(echoing(), pieces).frames, ElementsAre("text slowly", "pong ping", "close 1000"));
}

TEST(websocket_echo, pings_are_answered_in_order_and_between_fragments) {
  const seen got =
      play_client(echoing(), {{0ms, opening() + from_client(opcode::pong, "unasked") + from_client(opcode::ping, "1") +
                                        from_client(opcode::text, "a", not_last) + from_client(opcode::ping, "2") +
                                        from_client(opcode::continuation, "b") + from_client(opcode::ping, "3")},
                              {1ms, close_from_client(1000)}});
  EXPECT_THAT(got.frames, ElementsAre("pong 1", "pong 2", "text ab", "pong 3", "close 1000"));
}

TEST(websocket_echo, a_message_of_many_fragments) {
  constexpr std::size_t size = 256 * 1024;
  std::string bytes = opening();
  for (std::size_t at = 0; at < size; at += 64) {
    bytes += from_client(at == 0 ? opcode::text : opcode::continuation, std::string(64, '*'), at + 64 == size);
  }
  const seen got = play_client(echoing(), {{0ms, bytes + close_from_client(1000)}});
  EXPECT_THAT(got.frames, ElementsAre("text " + std::string(size, '*'), "close 1000"));
}

// What leaves in one turn leaves together.
TEST(websocket_echo, answers_to_messages_that_came_together_leave_together) {
  std::string bytes = opening();
  for (int i = 0; i < 100; ++i) bytes += from_client(opcode::text, std::to_string(i));
  const report all =
      play({.serve = echoing(), .clients = {{.pieces = {{0ms, bytes}, {1ms, close_from_client(1000)}}}}});
  const seen got = seen_by(all.clients[0]);
  ASSERT_EQ(got.frames.size(), 101U);
  EXPECT_LE(all.clients[0].arrivals.size(), 4U);
}

struct traffic {
  std::string bytes;
  std::vector<std::string> expected;
};

traffic random_traffic(unsigned seed) {
  std::mt19937 random(seed);
  traffic all{.bytes = opening(), .expected = {}};
  for (int i = 0; i < 30; ++i) {
    const bool text = random() % 2 == 0;
    std::string payload(random() % 3 == 0 ? random() % 20'000 : random() % 200, text ? 'x' : '\xff');
    const std::string name = text ? "text" : "binary";
    all.expected.push_back(payload.empty() ? name : name + " " + payload);
    std::string_view rest = payload;
    opcode what = text ? opcode::text : opcode::binary;
    while (random() % 2 == 0) {
      const std::string_view part = rest.substr(0, rest.empty() ? 0 : random() % rest.size());
      all.bytes += from_client(std::exchange(what, opcode::continuation), part, not_last);
      rest.remove_prefix(part.size());
    }
    all.bytes += from_client(what, rest);
  }
  all.bytes += close_from_client(4000, "done");
  all.expected.emplace_back("close 4000");
  return all;
}

TEST(websocket_echo, whatever_the_network_does) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const traffic all = random_traffic(seed);
    const sim_options network{.seed = seed,
                              .latency = seed % 3 * 1ms,
                              .window_bytes = 1000 + seed * 1500,
                              .faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.1, .deferred = 0.5}};
    const seen got = play_client(echoing(), {{0ms, all.bytes}}, network);
    EXPECT_EQ(got.frames, all.expected) << "seed " << seed;
    EXPECT_FALSE(got.failure) << "seed " << seed;
  }
}

TEST(websocket_echo, a_reset_in_the_middle_ends_the_session) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    const traffic all = random_traffic(seed);
    const sim_options network{.seed = seed, .faults = {.short_read = 0.3, .deferred = 0.5, .reset = 0.05}};
    const report played = play({.serve = echoing(), .network = network, .clients = {{.pieces = {{0ms, all.bytes}}}}});
    EXPECT_LT(played.clients[0].ended_after, 1s) << "seed " << seed;  // and play() finds nothing left behind
  }
}

}  // namespace
}  // namespace assay::websocket::testing
