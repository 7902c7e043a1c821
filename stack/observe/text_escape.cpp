#include "stack/observe/text_escape.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace assay::observe {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

struct lead {
  std::size_t bytes = 0;             // of the character; 0: no character starts so
  std::uint8_t second_least = 0x80;  // overlong forms, surrogates and what lies beyond U+10FFFF differ here
  std::uint8_t second_most = 0xBF;
};

constexpr lead lead_of(std::uint8_t first) {
  if (first < 0x80) return {.bytes = 1};
  if (first < 0xC2) return {};
  if (first < 0xE0) return {.bytes = 2};
  if (first == 0xE0) return {.bytes = 3, .second_least = 0xA0};
  if (first == 0xED) return {.bytes = 3, .second_most = 0x9F};
  if (first < 0xF0) return {.bytes = 3};
  if (first == 0xF0) return {.bytes = 4, .second_least = 0x90};
  if (first < 0xF4) return {.bytes = 4};
  if (first == 0xF4) return {.bytes = 4, .second_most = 0x8F};
  return {};
}

// Hands each character that is well-formed to `write`, and U+FFFD for each byte that is not.
template <class Writer>
void for_each_character(std::string_view text, Writer write) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_character_bytes(text);
    write(bytes != 0 ? text.substr(0, bytes) : replacement);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
}

void append_json_escape(std::string& to, char special) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (special) {
    case '"':
      to += "\\\"";
      return;
    case '\\':
      to += "\\\\";
      return;
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      to += "\\u00";
      to += digits[static_cast<std::uint8_t>(special) >> 4];
      to += digits[static_cast<std::uint8_t>(special) & 15];
  }
}

// Whether any of eight bytes is not plain in JSON: the tests of a byte for zero, and for less than n, of Anderson, "Bit
// Twiddling Hacks". What they take wrongly for it lies above a byte that is it.
bool has_special(std::uint64_t eight) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t tops = ones * 0x80;
  const std::uint64_t quote = eight ^ (ones * '"');
  const std::uint64_t backslash = eight ^ (ones * '\\');
  const std::uint64_t controls = (eight - ones * 0x20) & ~eight;
  return ((eight | controls | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash)) & tops) != 0;
}

// What stands for itself in JSON, up to the first byte that may not: most text is taken in one piece.
std::size_t plain_bytes(std::string_view text) {
  std::size_t plain = 0;
  for (std::uint64_t eight = 0; plain + sizeof(eight) <= text.size(); plain += sizeof(eight)) {
    std::memcpy(&eight, text.data() + plain, sizeof(eight));
    if (has_special(eight)) break;
  }
  while (plain < text.size()) {
    const auto byte = static_cast<std::uint8_t>(text[plain]);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
    plain++;
  }
  return plain;
}

void append_exposition(std::string& to, std::string_view text, bool with_quotes) {
  for_each_character(text, [&to, with_quotes](std::string_view character) {
    if (character == "\n") {
      to += "\\n";
      return;
    }
    if (character == "\\" || (with_quotes && character == "\"")) to += '\\';
    to += character;
  });
}

}  // namespace

std::size_t utf8_character_bytes(std::string_view text) noexcept {
  const auto byte = [text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  if (text.empty()) return 0;
  const lead expected = lead_of(byte(0));
  if (expected.bytes > text.size()) return 0;
  if (expected.bytes > 1 && (byte(1) < expected.second_least || byte(1) > expected.second_most)) return 0;
  for (std::size_t i = 2; i < expected.bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return expected.bytes;
}

std::string_view cut_to(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // Back over the continuation bytes of a character that does not fit; of garbage no more than three.
  while (end > 0 && limit - end < 3 && (static_cast<std::uint8_t>(text[end]) & 0xC0) == 0x80) end--;
  return text.substr(0, end);
}

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (true) {
    const std::size_t plain = plain_bytes(text);
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t bytes = utf8_character_bytes(text);
    if (bytes == 1) {
      append_json_escape(to, text.front());
    } else {
      to += bytes != 0 ? text.substr(0, bytes) : replacement;
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  to += '"';
}

void append_label_value(std::string& to, std::string_view text) { append_exposition(to, text, true); }

void append_help(std::string& to, std::string_view text) { append_exposition(to, text, false); }

}  // namespace assay::observe
