// permessage-deflate on a connection (Autobahn 12 and 13 in small): agreed on, used, and off by default.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

std::string prose(std::size_t size) {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += "line " + std::to_string(i % 17) + " of many; ";
  text.resize(size);
  return text;
}

std::string packed(deflater& with, std::string_view text) {
  std::string compressed;
  with.add(text, compressed);
  return compressed_from_client(opcode::text, compressed);
}

// The payloads of the server's messages, unpacked where they are compressed.
std::vector<std::string> unpacked(const client_record& client, bool kept) {
  std::vector<std::string> messages;
  message_decoder decoder(role::server, {.max_frame_bytes = 1 << 24, .max_message_bytes = 1 << 24},
                          deflate_agreement{.receive_takeover = kept});
  std::string_view rest = std::string_view(client.bytes).substr(client.bytes.find("\r\n\r\n") + 4);
  while (!rest.empty()) {
    const decoded step = decoder.feed(rest);
    rest.remove_prefix(step.consumed);
    EXPECT_NE(step.what, decoded::kind::violation) << describe(step.why);
    if (step.what == decoded::kind::violation || step.what == decoded::kind::close) break;
    if (step.what == decoded::kind::message) messages.push_back(decoder.take_message().payload);
  }
  return messages;
}

TEST(websocket_compression, off_by_default) {
  const seen got = play_client(
      echoing(), {{0ms, opening(offer)}, {1s, compressed_from_client(opcode::text, bytes_of("f2 48 cd c9 c9 07 00"))}});
  EXPECT_THAT(got.head, Not(HasSubstr("extensions")));
  EXPECT_THAT(got.frames, ElementsAre("close 1002 a reserved bit is set that nothing was agreed about"));
}

TEST(websocket_compression, not_used_towards_who_did_not_offer_it) {
  const seen got = play_client(echoing({.deflate = {.enabled = true}}),
                               {{0ms, opening() + from_client(opcode::text, prose(5000)) + close_from_client(1000)}});
  EXPECT_THAT(got.head, Not(HasSubstr("extensions")));
  EXPECT_THAT(got.frames, ElementsAre("text " + prose(5000), "close 1000"));
}

TEST(websocket_compression, both_directions_in_every_mode) {
  for (const bool kept : {false, true}) {
    for (const int bits : {9, 12, 15}) {
      const settings to{.deflate = {.enabled = true, .context_takeover = kept, .max_window_bits = bits}};
      deflater keeps(bits, 6);
      std::string bytes = opening(offer);
      std::vector<std::string> expected;
      for (const std::size_t size : {1U, 127U, 128U, 5'000U, 70'000U, 5'000U, 300'000U}) {
        deflater fresh(bits, 6);
        bytes += packed(kept ? keeps : fresh, prose(size));
        bytes += from_client(opcode::ping, "between");
        expected.push_back(prose(size));
      }
      const sim_options network{.seed = 3, .faults = {.short_read = 0.3, .deferred = 0.3}};
      const report all = play({.serve = echoing(to),
                               .network = network,
                               .clients = {{.pieces = {{0ms, bytes}, {1s, close_from_client(1000)}}}}});
      EXPECT_EQ(unpacked(all.clients[0], kept), expected) << kept << ' ' << bits;
      const seen got = seen_by(all.clients[0]);
      EXPECT_THAT(got.head, HasSubstr("sec-websocket-extensions: permessage-deflate"));
      EXPECT_EQ(got.frames.back(), "close 1000");
      EXPECT_LT(all.clients[0].bytes.size(), 100'000U);
    }
  }
}

TEST(websocket_compression, short_messages_go_as_they_are) {
  const settings to{.deflate = {.enabled = true}};
  const seen got =
      play_client(echoing(to), {{0ms, opening(offer) + from_client(opcode::text, prose(127)) +
                                          from_client(opcode::text, prose(128)) + close_from_client(1000)}});
  EXPECT_EQ(got.frames[0], "text " + prose(127));
  EXPECT_TRUE(got.frames[1].starts_with("text* "));
}

TEST(websocket_compression, a_client_that_asks_for_a_window_of_256_bytes_is_sent_everything_as_it_is) {
  const settings to{.deflate = {.enabled = true}};
  const seen got = play_client(
      echoing(to), {{0ms, opening("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8\r\n") +
                              from_client(opcode::text, prose(5000)) + close_from_client(1000)}});
  EXPECT_THAT(got.head, HasSubstr("server_max_window_bits=8"));
  EXPECT_EQ(got.frames[0], "text " + prose(5000));
}

TEST(websocket_compression, a_bomb_ends_the_connection) {
  deflater packer(15, 9);
  const seen got = play_client(echoing({.deflate = {.enabled = true}}),
                               {{0ms, opening(offer) + packed(packer, std::string(50'000'000, 'x'))}});
  EXPECT_THAT(got.frames, ElementsAre("close 1009 the message is too large"));
}

}  // namespace
}  // namespace assay::websocket::testing
