// Pieces of text that every format of log has: words, quoted parts, numbers.
//
// Misuse: none; nothing is allocated, and every view points into what was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::learn {

inline constexpr std::size_t max_method_bytes = 20;

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// 0 to 15, or -1.
int hex_digit(char c);

// Exactly `digits` digits; -1 when there are others.
inline int fixed_number(std::string_view text, std::size_t at, std::size_t digits) {
  if (text.size() < at + digits) return -1;
  int number = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (!is_digit(text[i])) return -1;
    number = 10 * number + (text[i] - '0');
  }
  return number;
}

// Takes the word before the next space off the front.
std::string_view take_word(std::string_view& rest);

// The first '"' from `from` on that no backslash escapes; npos when there is none.
std::size_t find_quote(std::string_view text, std::size_t from);

// Takes "quoted text" off the front, escapes left in it. `rest` begins with the quote.
std::optional<std::string_view> take_quoted(std::string_view& rest);

// All of `word`, digits alone.
std::optional<std::uint64_t> whole_number(std::string_view word);

// All of `word`, digits and a decimal point.
std::optional<double> decimal(std::string_view word);

// All of `word`, an exponent too: "9.4e-7".
std::optional<double> amount(std::string_view word);

bool is_method(std::string_view text);

// "10.0.0.1:80", "[2001:db8::1]:80" or an address alone, without its port.
std::string_view without_port(std::string_view address);

}  // namespace assay::learn
