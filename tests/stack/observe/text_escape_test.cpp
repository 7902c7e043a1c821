#include "stack/observe/text_escape.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace assay::observe {
namespace {

std::string json_of(std::string_view text) {
  std::string to;
  append_json_string(to, text);
  return to;
}

std::string label_of(std::string_view text) {
  std::string to;
  append_label_value(to, text);
  return to;
}

TEST(text_escape, json_names_what_cannot_stand_for_itself) {
  EXPECT_EQ(json_of("a\"b\\c/\n\r\t"), R"("a\"b\\c/\n\r\t")");
  EXPECT_EQ(json_of(std::string_view("\0\x01\x1f\x7f", 4)), "\"\\u0000\\u0001\\u001f\x7f\"");
  EXPECT_EQ(json_of("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80\"");
}

TEST(text_escape, what_is_no_utf8_becomes_the_replacement_character_byte_for_byte) {
  EXPECT_EQ(json_of("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_of("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "overlong";
  EXPECT_EQ(json_of("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "cut";
  EXPECT_EQ(utf8_character_bytes("\xED\xA0\x80"), 0U) << "a surrogate";
  EXPECT_EQ(utf8_character_bytes("\xED\x9F\xBF"), 3U) << "the last before the surrogates";
  EXPECT_EQ(utf8_character_bytes("\xF4\x90\x80\x80"), 0U) << "beyond U+10FFFF";
  EXPECT_EQ(utf8_character_bytes("\xF4\x8F\xBF\xBF"), 4U) << "U+10FFFF";
  EXPECT_EQ(utf8_character_bytes("\xE0\x9F\xBF"), 0U) << "overlong";
  EXPECT_EQ(utf8_character_bytes("\xF0\x8F\xBF\xBF"), 0U) << "overlong";
}

// Bytes are looked at eight at a time: none may hide among plain ones, wherever it lies.
TEST(text_escape, a_special_byte_is_found_at_every_place) {
  for (int value = 0; value < 256; ++value) {
    const std::string special(1, static_cast<char>(value));
    const std::string quoted = json_of(special);
    const std::string escaped = quoted.substr(1, quoted.size() - 2);
    for (std::size_t before = 0; before < 18; ++before) {
      for (const std::size_t after : {0U, 1U, 7U, 8U, 9U}) {
        const std::string left(before, '!');  // next to the control characters, and to the quote
        const std::string right(after, '#');
        ASSERT_EQ(json_of(left + special + right), "\"" + left + escaped + right + "\"") << value << " at " << before;
      }
    }
  }
}

// The library is strict in UTF-8 and in JSON, and was not written here.
TEST(text_escape, any_bytes_are_json_that_another_parser_reads) {
  std::mt19937_64 random(20261126);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::uint64_t left = random() % 20; left > 0; --left) {
      // Half of it from the bytes where UTF-8 has its edges.
      constexpr std::string_view edges = "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC1\xC2\xDF\xE0\xED\xEF\xF0\xF4\xF5\\\"\n";
      bytes += random() % 2 == 0 ? edges[random() % edges.size()] : static_cast<char>(random());
    }
    const auto read = nlohmann::json::parse(json_of(bytes), nullptr, false);
    ASSERT_TRUE(read.is_string()) << testing::PrintToString(bytes);
    ASSERT_EQ(json_of(read.get<std::string>()), json_of(bytes)) << "and once more it is the same";
  }
}

TEST(text_escape, a_label_value_escapes_three_characters_and_help_two) {
  EXPECT_EQ(label_of("a\"b\\c\nd\t"), "a\\\"b\\\\c\\nd\t");
  std::string help;
  append_help(help, "a\"b\\c\nd");
  EXPECT_EQ(help, "a\"b\\\\c\\nd");
}

TEST(text_escape, a_cut_does_not_end_within_a_character) {
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abcd", 3), "abc");
  EXPECT_EQ(cut_to("ab\xE2\x82\xAC", 4), "ab");
  EXPECT_EQ(cut_to("ab\xE2\x82\xAC", 2), "ab");
  EXPECT_EQ(cut_to("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(cut_to(std::string(8, '\x80'), 6).size(), 3U) << "garbage: back by three at most";
}

}  // namespace
}  // namespace assay::observe
