// From frames to messages, in the order of the Autobahn suite: 1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5
// fragmentation, 6 UTF-8, 7 close.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> events(std::initializer_list<std::string> frames) {
  std::string bytes;
  for (const std::string& each : frames) bytes += each;
  std::vector<std::string> whole = events_of(bytes);
  for (const std::size_t piece : {1U, 2U, 3U, 7U}) {
    EXPECT_EQ(events_of(bytes, piece), whole) << "in pieces of " << piece;
  }
  return whole;
}

TEST(websocket_decoder, messages_of_every_size_that_changes_the_header) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
    const std::string payload(size, '*');
    const std::string space = size == 0 ? "" : " ";
    EXPECT_THAT(events({from_client(opcode::text, payload)}), ElementsAre("text" + space + payload)) << size;
    EXPECT_THAT(events({from_client(opcode::binary, payload)}), ElementsAre("binary" + space + payload)) << size;
  }
}

TEST(websocket_decoder, a_server_s_frames_are_read_by_a_client) {
  const std::string bytes = from_server(opcode::text, "a") + from_server(opcode::ping, "b");
  EXPECT_THAT(events_of(bytes, 0, {}, {}, role::server), ElementsAre("text a", "ping b"));
  EXPECT_THAT(events_of(from_client(opcode::text, "a"), 0, {}, {}, role::server), ElementsAre("violation masked"));
  EXPECT_THAT(events_of(bytes), ElementsAre("violation not_masked"));
}

TEST(websocket_decoder, pings_and_pongs_carry_up_to_125_bytes) {
  const std::string longest(125, '\xfe');
  EXPECT_THAT(events({from_client(opcode::ping, ""), from_client(opcode::ping, "hi"),
                      from_client(opcode::ping, longest), from_client(opcode::pong, "unasked")}),
              ElementsAre("ping", "ping hi", "ping " + longest, "pong unasked"));
  EXPECT_THAT(events({from_client(opcode::ping, longest + "x")}), ElementsAre("violation long_control"));
}

TEST(websocket_decoder, a_reserved_bit_ends_it_after_what_came_before) {
  for (const unsigned bits : {0x10U, 0x20U, 0x40U, 0x70U}) {
    std::string bad = from_client(opcode::text, "bad");
    bad[0] = static_cast<char>(static_cast<unsigned char>(bad[0]) | bits);
    EXPECT_THAT(events({from_client(opcode::text, "good"), bad, from_client(opcode::ping, "")}),
                ElementsAre("text good", "violation reserved_bits"));
  }
}

TEST(websocket_decoder, a_reserved_opcode_ends_it) {
  for (const unsigned code : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U}) {
    EXPECT_THAT(events({from_client(static_cast<opcode>(code), "")}), ElementsAre("violation reserved_opcode"));
  }
}

TEST(websocket_decoder, fragments_make_one_message_and_control_frames_come_between) {
  EXPECT_THAT(events({from_client(opcode::text, "one,", not_last), from_client(opcode::ping, "p"),
                      from_client(opcode::continuation, "two,", not_last), from_client(opcode::pong, ""),
                      from_client(opcode::continuation, "three")}),
              ElementsAre("ping p", "pong", "text one,two,three"));
  EXPECT_THAT(events({from_client(opcode::binary, "", not_last), from_client(opcode::continuation, "", not_last),
                      from_client(opcode::continuation, "")}),
              ElementsAre("binary"));
}

TEST(websocket_decoder, a_control_frame_is_not_fragmented) {
  EXPECT_THAT(events({from_client(opcode::ping, "a", not_last)}), ElementsAre("violation fragmented_control"));
  EXPECT_THAT(events({from_client(opcode::pong, "a", not_last)}), ElementsAre("violation fragmented_control"));
}

TEST(websocket_decoder, a_continuation_needs_something_to_continue) {
  EXPECT_THAT(events({from_client(opcode::continuation, "x")}), ElementsAre("violation unexpected_continuation"));
  EXPECT_THAT(events({from_client(opcode::continuation, "x", not_last)}),
              ElementsAre("violation unexpected_continuation"));
  EXPECT_THAT(events({from_client(opcode::text, "a", not_last), from_client(opcode::continuation, "b"),
                      from_client(opcode::continuation, "c")}),
              ElementsAre("text ab", "violation unexpected_continuation"));
}

TEST(websocket_decoder, a_message_ends_before_the_next_begins) {
  EXPECT_THAT(events({from_client(opcode::text, "a", not_last), from_client(opcode::text, "b")}),
              ElementsAre("violation expected_continuation"));
  EXPECT_THAT(events({from_client(opcode::text, "a", not_last), from_client(opcode::binary, "b", not_last)}),
              ElementsAre("violation expected_continuation"));
}

TEST(websocket_decoder, text_is_utf8_and_binary_is_anything) {
  EXPECT_THAT(events({from_client(opcode::text, "κόσμε")}), ElementsAre("text κόσμε"));
  EXPECT_THAT(events({from_client(opcode::binary, "\xff\xc0")}), ElementsAre("binary \xff\xc0"));
  EXPECT_THAT(events({from_client(opcode::text, "\xce\xba\xed\xa0\x80")}), ElementsAre("violation invalid_utf8"));
}

TEST(websocket_decoder, a_character_may_lie_across_fragments_but_not_across_messages) {
  EXPECT_THAT(events({from_client(opcode::text, "\xce", not_last), from_client(opcode::continuation, "\xba")}),
              ElementsAre("text κ"));
  EXPECT_THAT(events({from_client(opcode::text, "\xce"), from_client(opcode::text, "\xba")}),
              ElementsAre("violation invalid_utf8"));
  EXPECT_THAT(events({from_client(opcode::text, "\xce", not_last), from_client(opcode::continuation, "")}),
              ElementsAre("violation invalid_utf8"));
}

TEST(websocket_decoder, wrong_text_is_refused_in_the_middle_of_its_frame) {
  // Autobahn 6.4: the frame goes on for long, and nobody waits for it.
  const std::string frame = from_client(opcode::text, "valid, then \xf4\x90 and much more behind it");
  constexpr std::size_t header_bytes = 6;
  EXPECT_EQ(refused_after(frame), header_bytes + 14);
  const std::string begun = from_client(opcode::text, "\xf4", not_last);
  EXPECT_EQ(refused_after(begun + from_client(opcode::continuation, "\x90\x80")), begun.size() + header_bytes + 1);
}

TEST(websocket_decoder, nothing_is_said_after_a_close) {
  EXPECT_THAT(events({close_from_client(1000, "bye"), from_client(opcode::ping, "late")}),
              ElementsAre("close 1000 bye"));
  EXPECT_THAT(events({from_client(opcode::text, "a", not_last), from_client(opcode::close, "")}), ElementsAre("close"));
  EXPECT_THAT(events({close_from_client(1000, std::string(123, 'r'))}),
              ElementsAre("close 1000 " + std::string(123, 'r')));
}

TEST(websocket_decoder, it_knows_when_it_is_between_messages) {
  message_decoder decoder(role::client, {}, std::nullopt);
  EXPECT_TRUE(decoder.between_messages());
  const std::string begun = from_client(opcode::text, "a", not_last);
  std::ignore = decoder.feed(begun.substr(0, 1));
  EXPECT_FALSE(decoder.between_messages());
  std::ignore = decoder.feed(begun.substr(1));
  EXPECT_FALSE(decoder.between_messages());
  EXPECT_EQ(decoder.feed(from_client(opcode::ping, "")).what, decoded::kind::ping);
  EXPECT_FALSE(decoder.between_messages());
  EXPECT_EQ(decoder.feed(from_client(opcode::continuation, "b")).what, decoded::kind::message);
  EXPECT_TRUE(decoder.between_messages());
  EXPECT_EQ(decoder.take_message().payload, "ab");
}

}  // namespace
}  // namespace assay::websocket::testing
