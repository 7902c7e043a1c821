// Frame headers, and masking.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

constexpr frame_rules client_rules{.from = role::client};
constexpr frame_rules server_rules{.from = role::server};

std::expected<std::size_t, violation> parse(std::string_view bytes, const frame_rules& rules = server_rules) {
  frame_header header;
  return parse_frame_header(bytes, rules, header);
}

TEST(websocket_frame, the_examples_of_the_rfc) {
  // RFC 6455 section 5.7
  EXPECT_EQ(from_server(opcode::text, "Hello"), bytes_of("81 05 48 65 6c 6c 6f"));
  EXPECT_EQ(from_client(opcode::text, "Hello"), bytes_of("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
  EXPECT_EQ(from_server(opcode::text, "Hel", not_last), bytes_of("01 03 48 65 6c"));
  EXPECT_EQ(from_server(opcode::continuation, "lo"), bytes_of("80 02 6c 6f"));
  EXPECT_EQ(from_server(opcode::ping, "Hello"), bytes_of("89 05 48 65 6c 6c 6f"));
  EXPECT_EQ(from_client(opcode::pong, "Hello"), bytes_of("8a 85 37 fa 21 3d 7f 9f 4d 51 58"));
  EXPECT_TRUE(from_server(opcode::binary, std::string(256, 'x')).starts_with(bytes_of("82 7e 01 00")));
  EXPECT_TRUE(from_server(opcode::binary, std::string(65536, 'x')).starts_with(bytes_of("82 7f 0000000000010000")));
}

TEST(websocket_frame, every_length_at_a_border_is_written_in_its_shortest_form_and_read_back) {
  for (const std::uint64_t length :
       {0ULL, 1ULL, 125ULL, 126ULL, 127ULL, 65535ULL, 65536ULL, 0x1'0000'0000ULL, 0x7fff'ffff'ffff'ffffULL}) {
    for (const role from : {role::client, role::server}) {
      std::string bytes;
      append_frame_header(bytes, {.what = opcode::binary, .masked = from == role::client, .length = length});
      frame_header header;
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_EQ(parse_frame_header(bytes.substr(0, size), {.from = from}, header), 0U) << length;
      }
      EXPECT_EQ(parse_frame_header(bytes + "more", {.from = from}, header), bytes.size()) << length;
      EXPECT_EQ(header.length, length);
      EXPECT_TRUE(header.last);
      EXPECT_EQ(header.what, opcode::binary);
    }
  }
}

TEST(websocket_frame, a_length_that_would_fit_a_shorter_form_is_refused) {
  EXPECT_EQ(parse(bytes_of("82 7e 00 7d")), std::unexpected(violation::length_not_minimal));
  EXPECT_EQ(parse(bytes_of("82 7e 00 7e")), 4U);
  EXPECT_EQ(parse(bytes_of("82 7f 000000000000007e")), std::unexpected(violation::length_not_minimal));
  EXPECT_EQ(parse(bytes_of("82 7f 000000000000ffff")), std::unexpected(violation::length_not_minimal));
  EXPECT_EQ(parse(bytes_of("82 7f 0000000000010000")), 10U);
}

TEST(websocket_frame, the_highest_bit_of_a_length_is_refused) {
  EXPECT_EQ(parse(bytes_of("82 7f 8000000000000000")), std::unexpected(violation::length_too_large));
  EXPECT_EQ(parse(bytes_of("82 7f ffffffffffffffff")), std::unexpected(violation::length_too_large));
}

TEST(websocket_frame, reserved_bits_are_refused_by_the_first_byte) {
  for (const unsigned bits : {0x10U, 0x20U, 0x30U, 0x40U, 0x50U, 0x60U, 0x70U}) {
    const std::string first(1, static_cast<char>(0x81U | bits));
    EXPECT_EQ(parse(first), std::unexpected(violation::reserved_bits)) << bits;
  }
}

TEST(websocket_frame, with_compression_rsv1_may_stand_on_the_first_frame_of_a_message_alone) {
  constexpr frame_rules compressing{.from = role::server, .compression = true};
  EXPECT_EQ(parse(bytes_of("c1 00"), compressing), 2U);
  EXPECT_EQ(parse(bytes_of("42 00"), compressing), 2U);
  for (const std::string_view refused : {"c0", "c8", "c9", "ca", "d1", "e1"}) {
    EXPECT_EQ(parse(bytes_of(refused), compressing), std::unexpected(violation::reserved_bits)) << refused;
  }
}

TEST(websocket_frame, reserved_opcodes_are_refused_by_the_first_byte) {
  for (unsigned code = 0; code < 16; ++code) {
    const std::string first(1, static_cast<char>(0x80U | code));
    const bool known = code <= 2 || (code >= 8 && code <= 10);
    EXPECT_EQ(parse(first).has_value(), known) << code;
    if (!known) EXPECT_EQ(parse(first), std::unexpected(violation::reserved_opcode)) << code;
  }
}

TEST(websocket_frame, control_frames_are_short_and_whole) {
  for (const std::string_view first : {"08", "09", "0a"}) {
    EXPECT_EQ(parse(bytes_of(first)), std::unexpected(violation::fragmented_control)) << first;
  }
  for (const std::string_view first : {"88", "89", "8a"}) {
    EXPECT_EQ(parse(bytes_of(first) + bytes_of("7d")), 2U) << first;
    EXPECT_EQ(parse(bytes_of(first) + bytes_of("7e")), std::unexpected(violation::long_control)) << first;
    EXPECT_EQ(parse(bytes_of(first) + bytes_of("7f")), std::unexpected(violation::long_control)) << first;
  }
}

TEST(websocket_frame, a_client_masks_and_a_server_does_not) {
  EXPECT_EQ(parse(bytes_of("81 05"), client_rules), std::unexpected(violation::not_masked));
  EXPECT_EQ(parse(bytes_of("81 85"), server_rules), std::unexpected(violation::masked));
  EXPECT_EQ(parse(bytes_of("81 85"), client_rules), 0U);
}

TEST(websocket_frame, masking_in_pieces_is_masking_at_once) {
  std::string text;
  for (int i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  const mask_key key = {'\x01', '\x80', '\xff', '\x5a'};
  std::string whole = text;
  apply_mask(whole, key, 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(whole[i], static_cast<char>(text[i] ^ key[i % 4])) << i;
  }
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::string pieces = text;
    apply_mask(std::span(pieces).first(cut), key, 0);
    apply_mask(std::span(pieces).subspan(cut), key, cut);
    ASSERT_EQ(pieces, whole) << cut;
  }
  apply_mask(whole, key, 0);
  EXPECT_EQ(whole, text);
}

TEST(websocket_frame, every_violation_has_its_own_label_and_sentence) {
  std::vector<std::string_view> labels;
  std::vector<std::string_view> sentences;
  for (int i = 0; i < violation_count; ++i) {
    const auto why = static_cast<violation>(i);
    EXPECT_THAT(labels, ::testing::Not(::testing::Contains(label(why))));
    EXPECT_THAT(sentences, ::testing::Not(::testing::Contains(describe(why))));
    EXPECT_LE(describe(why).size(), 123U) << "it has to fit a Close frame";
    labels.push_back(label(why));
    sentences.push_back(describe(why));
  }
}

}  // namespace
}  // namespace assay::websocket::testing
