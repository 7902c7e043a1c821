// Close frames: codes and reasons (Autobahn 7.3, 7.5, 7.7 and 7.9).
#include <gtest/gtest.h>

#include "stack/http/websocket/close_code.hpp"
#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

std::optional<violation> verdict(std::string_view payload) {
  close_frame said;
  return parse_close(payload, said);
}

std::string with_code(unsigned code, std::string_view reason = {}) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return payload.append(reason);
}

TEST(websocket_close, every_code_is_accepted_or_refused_as_registered) {
  for (unsigned code = 0; code <= 0xffff; ++code) {
    const bool registered = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
    const bool free = code >= 3000 && code <= 4999;
    const auto why = verdict(with_code(code));
    ASSERT_EQ(!why, registered || free) << code;
    if (why) ASSERT_EQ(*why, violation::bad_close_code) << code;
  }
}

TEST(websocket_close, a_payload_is_empty_or_begins_with_a_code) {
  EXPECT_EQ(verdict(""), std::nullopt);
  EXPECT_EQ(verdict("\x03"), violation::bad_close_payload);
  close_frame said{.code = close_code::normal, .reason = "before"};
  EXPECT_EQ(parse_close("", said), std::nullopt);
  EXPECT_EQ(said.code, close_code::no_code);
  EXPECT_EQ(said.reason, "");
}

TEST(websocket_close, a_reason_is_utf8) {
  close_frame said;
  EXPECT_EQ(parse_close(with_code(1000, "κόσμε"), said), std::nullopt);
  EXPECT_EQ(said.code, close_code::normal);
  EXPECT_EQ(said.reason, "κόσμε");
  EXPECT_EQ(verdict(with_code(1000, "\xce\xba\xed\xa0\x80")), violation::invalid_utf8);
  EXPECT_EQ(verdict(with_code(1000, "\xce")), violation::invalid_utf8);
}

TEST(websocket_close, what_is_written_is_read_back) {
  close_frame said;
  EXPECT_EQ(parse_close(close_payload(close_code::going_away, "bye"), said), std::nullopt);
  EXPECT_EQ(said.code, close_code::going_away);
  EXPECT_EQ(said.reason, "bye");
  EXPECT_EQ(close_payload(close_code::no_code, "unsaid"), "");
  EXPECT_EQ(close_payload(static_cast<close_code>(4999), ""), with_code(4999));
}

TEST(websocket_close, a_reason_that_is_too_long_is_cut_between_two_characters) {
  EXPECT_EQ(close_payload(close_code::normal, std::string(123, 'r')).size(), 125U);
  EXPECT_EQ(close_payload(close_code::normal, std::string(124, 'r')).size(), 125U);
  std::string greek;
  while (greek.size() < 200) greek += "κ";
  EXPECT_EQ(close_payload(close_code::normal, greek), with_code(1000, greek.substr(0, 122)));
  EXPECT_EQ(close_payload(close_code::normal, "\xff"), with_code(1000));
}

TEST(websocket_close, a_peer_is_told_by_code_what_it_did) {
  EXPECT_EQ(code_for(violation::invalid_utf8), close_code::invalid_data);
  EXPECT_EQ(code_for(violation::message_too_large), close_code::message_too_big);
  EXPECT_EQ(code_for(violation::frame_too_large), close_code::message_too_big);
  EXPECT_EQ(code_for(violation::not_masked), close_code::protocol_error);
}

}  // namespace
}  // namespace assay::websocket::testing
