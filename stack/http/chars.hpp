// Byte classes and byte searches the parsers share. Private to this room: the grammar is here, the meaning is not.
//
// Misuse: is_token(*p) with p at the end of the input. These look at the byte they are given; the callers
// make sure of a byte that stops them (a head ends in LF, which is in no class).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "stack/http/parse_error.hpp"

namespace assay::http::detail {

inline constexpr std::uint8_t token_class = 1;     // tchar, RFC 9110 section 5.6.2
inline constexpr std::uint8_t target_class = 2;    // visible ASCII without '#': a fragment is never sent
inline constexpr std::uint8_t reg_name_class = 4;  // unreserved, sub-delims (RFC 3986 section 3.2.2), no '%'

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&classes](std::string_view bytes, std::uint8_t which) {
    for (const char byte : bytes) classes[static_cast<unsigned char>(byte)] |= which;
  };
  constexpr std::string_view alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  mark(alphanumeric, token_class | reg_name_class);
  mark("!#$%&'*+-.^_`|~", token_class);
  mark("-._~!$&'()*+,;=", reg_name_class);
  for (std::size_t byte = 0x21; byte <= 0x7e; ++byte) {
    if (byte != '#') classes[byte] |= target_class;
  }
  return classes;
}

inline constexpr std::array<std::uint8_t, 256> byte_classes = make_byte_classes();

constexpr bool has_class(char byte, std::uint8_t which) noexcept {
  return (byte_classes[static_cast<unsigned char>(byte)] & which) != 0;
}
constexpr bool is_token(char byte) noexcept { return has_class(byte, token_class); }
constexpr bool is_blank(char byte) noexcept { return byte == ' ' || byte == '\t'; }
constexpr bool is_digit(char byte) noexcept { return byte >= '0' && byte <= '9'; }
constexpr bool is_control(char byte) noexcept { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }

// 0..15, or -1 for a byte that is no hex digit.
constexpr int hex_value(char byte) noexcept {
  if (is_digit(byte)) return byte - '0';
  const char lower = static_cast<char>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The first control byte (below 0x20, or DEL) in [first, last), or last. Eight bytes a step: this is the loop that sees
// every byte of a head. The bit tricks are "hasless" and "haszero" of Anderson's Bit Twiddling Hacks; a borrow can mark
// wrong bytes only above a true one, and the lowest mark is the one used, so the answer is exact.
inline const char* find_control(const char* first, const char* last) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t high_bits = ones * 0x80;
  if constexpr (std::endian::native == std::endian::little) {
    while (last - first >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, first, sizeof word);
      const std::uint64_t below_space = (word - ones * 0x20) & ~word;
      const std::uint64_t differs_from_del = word ^ (ones * 0x7f);
      const std::uint64_t del = (differs_from_del - ones) & ~differs_from_del;
      const std::uint64_t marks = (below_space | del) & high_bits;
      if (marks != 0) return first + std::countr_zero(marks) / 8;
      first += 8;
    }
  }
  while (first != last && !is_control(*first)) ++first;
  return first;
}

// Names a byte that is wrong in any place by its own reason, every other by the reason of the place. A CR that the
// grammar did not want here is `otherwise` when it begins a proper CRLF; `at` is followed by a byte if it is a CR.
inline parse_error reason_for(const char* at, parse_error otherwise) noexcept {
  if (*at == '\0') return parse_error::nul_byte;
  if (*at == '\n') return parse_error::bare_lf;
  if (*at == '\r' && at[1] != '\n') return parse_error::bare_cr;
  return otherwise;
}

}  // namespace assay::http::detail
