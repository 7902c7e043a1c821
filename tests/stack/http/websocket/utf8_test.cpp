// UTF-8 as it arrives: what is valid, what is not, and how early that is known.
#include <gtest/gtest.h>

#include "stack/http/websocket/utf8.hpp"
#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

// The bytes taken up to and including the one that is refused; 0: none is.
std::size_t refused_at(std::string_view text) {
  utf8_checker check;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!check.feed(text.substr(at, 1))) return at + 1;
  }
  return 0;
}

std::string encode(std::uint32_t point) {
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (point < 0x80) return {byte(point)};
  if (point < 0x800) return {byte(0xc0 | point >> 6), byte(0x80 | (point & 0x3f))};
  if (point < 0x10000) {
    return {byte(0xe0 | point >> 12), byte(0x80 | (point >> 6 & 0x3f)), byte(0x80 | (point & 0x3f))};
  }
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 0x3f)), byte(0x80 | (point >> 6 & 0x3f)),
          byte(0x80 | (point & 0x3f))};
}

TEST(websocket_utf8, every_character_is_valid_and_every_surrogate_is_not) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    ASSERT_EQ(is_utf8(encode(point)), !surrogate) << std::hex << point;
  }
}

// A decoder by the definition, slow and plain, to hold against.
bool decodes(std::string_view bytes) {
  std::uint32_t point = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() > 1) point &= 0x7fU >> bytes.size();
  for (const char next : bytes.substr(1)) point = point << 6 | (static_cast<unsigned char>(next) & 0x3fU);
  return point <= 0x10ffff && (point < 0xd800 || point > 0xdfff) && encode(point) == bytes;
}

TEST(websocket_utf8, all_sequences_of_two_bytes_and_those_of_three_and_four_with_a_lead) {
  for (unsigned first = 0x80; first < 0x100; ++first) {
    for (unsigned second = 0; second < 0x100; ++second) {
      const std::string two = {static_cast<char>(first), static_cast<char>(second)};
      ASSERT_EQ(is_utf8(two), decodes(two)) << std::hex << first << ' ' << second;
      for (const unsigned third : {0x00U, 0x7fU, 0x80U, 0xbfU, 0xc0U, 0xffU}) {
        const std::string three = two + static_cast<char>(third);
        const bool pair_and_ascii = decodes(two) && third < 0x80;
        ASSERT_EQ(is_utf8(three), decodes(three) || pair_and_ascii) << std::hex << first << ' ' << second;
        for (const unsigned fourth : {0x7fU, 0x80U, 0xbfU, 0xc0U}) {
          const std::string four = three + static_cast<char>(fourth);
          if (first < 0xf0) continue;  // shorter characters in a row: the cases above
          ASSERT_EQ(is_utf8(four), decodes(four)) << std::hex << first << ' ' << second << ' ' << third;
        }
      }
    }
  }
}

TEST(websocket_utf8, refused_at_the_first_byte_that_decides) {
  EXPECT_EQ(refused_at("\xc0"sv), 1U);  // overlong whatever follows
  EXPECT_EQ(refused_at("\xc1"sv), 1U);
  EXPECT_EQ(refused_at("\xf5"sv), 1U);        // above U+10FFFF
  EXPECT_EQ(refused_at("\x80"sv), 1U);        // continues nothing
  EXPECT_EQ(refused_at("ab\xe0\x9f"sv), 4U);  // overlong
  EXPECT_EQ(refused_at("\xed\xa0"sv), 2U);    // a surrogate
  EXPECT_EQ(refused_at("\xf0\x8f"sv), 2U);    // overlong
  EXPECT_EQ(refused_at("\xf4\x90"sv), 2U);    // above U+10FFFF
  EXPECT_EQ(refused_at("\xce\xba\xe1\xbd\xb9 \xe1\xbdx"sv), 9U);
}

TEST(websocket_utf8, a_cut_anywhere_changes_nothing) {
  const std::string_view text = "κόσμε, Hellö, \xf0\x9f\x8e\x89 and twenty ASCII characters";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    utf8_checker check;
    ASSERT_TRUE(check.feed(text.substr(0, cut)));
    ASSERT_TRUE(check.feed(text.substr(cut)));
    ASSERT_TRUE(check.complete());
  }
}

TEST(websocket_utf8, the_middle_of_a_character_is_no_end) {
  for (const std::string_view cut : {"\xce"sv, "\xe1\xbd"sv, "\xf0\x9f\x8e"sv, "text \xf4"sv}) {
    utf8_checker check;
    EXPECT_TRUE(check.feed(cut));
    EXPECT_FALSE(check.complete());
    EXPECT_FALSE(is_utf8(cut));
  }
}

TEST(websocket_utf8, a_wrong_byte_is_found_wherever_it_stands_among_ascii) {
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'a');
    text[at] = '\xff';
    EXPECT_EQ(refused_at(text), at + 1);
    EXPECT_FALSE(is_utf8(text)) << at;
  }
}

}  // namespace
}  // namespace assay::websocket::testing
