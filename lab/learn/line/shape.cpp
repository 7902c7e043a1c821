#include "lab/learn/line/shape.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t longest_integer = 18;  // digits that fit 64 bit with any sign
constexpr std::size_t shortest_hex = 8;
constexpr std::size_t longest_extension = 5;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// The character at `at`, an escaped one without its escape; moves on behind it.
char take(std::string_view text, std::size_t& at) {
  if (text[at] == '%' && at + 2 < text.size() && hex_digit(text[at + 1]) >= 0 && hex_digit(text[at + 2]) >= 0) {
    const int byte = 16 * hex_digit(text[at + 1]) + hex_digit(text[at + 2]);
    at += 3;
    return static_cast<char>(byte);
  }
  return text[at++];
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// 2026-11-23
bool is_date(std::string_view text) {
  if (text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : !is_digit(text[i])) return false;
  }
  return true;
}

bool is_integer(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  return !digits.empty() && digits.size() <= longest_integer && std::ranges::all_of(digits, is_digit);
}

bool is_version(std::string_view text) {
  return text.size() >= 2 && text.size() <= 4 && text[0] == 'v' && std::ranges::all_of(text.substr(1), is_digit);
}

// jane@example.com
bool is_email(std::string_view text) {
  const std::size_t escaped = text.find("%40");
  const std::size_t at = std::min(text.find('@'), escaped);
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view host = text.substr(at + (at == escaped ? 3 : 1));
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && dot + 1 < host.size();
}

// 192.0.2.1, perhaps with a port; 2001:db8::1, perhaps in brackets.
bool is_address(std::string_view text) {
  int numbers = 0;
  int dots = 0;
  int colons = 0;
  int digits = 0;  // in a row
  bool hexadecimal = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = take(text, at);
    if (c == '[' || c == ']') continue;
    if (c == '.' || c == ':') {
      dots += c == '.' ? 1 : 0;
      colons += c == ':' ? 1 : 0;
      digits = 0;
      continue;
    }
    if (!is_hex(c)) return false;
    hexadecimal = hexadecimal || !is_digit(c);
    if (++digits == 1) ++numbers;
    if (digits > 5) return false;
  }
  const bool four = dots == 3 && !hexadecimal && (colons == 0 ? numbers == 4 : colons == 1 && numbers == 5);
  return four || (colons >= 2 && numbers > 0);
}

enum class letter_case : std::uint8_t { none, digit, lower, upper };

letter_case case_of(char c) {
  if (is_digit(c)) return letter_case::digit;
  if (c >= 'a' && c <= 'z') return letter_case::lower;
  return c >= 'A' && c <= 'Z' ? letter_case::upper : letter_case::none;
}

// "dGhpc19pcw", "cus_9s6XKzkNRi", "ORD-000123": digits between letters again and again, or many in a row.
bool is_code(std::string_view text) {
  constexpr int many_digits = 5;
  constexpr int many_turns = 4;  // between letters and digits, of a run of letters and digits
  constexpr int many_cases = 6;  // changes of case besides, when letters and digits are joined by - and _
  constexpr std::size_t long_run = 16;
  int in_a_row = 0;
  int turns = 0;
  int changes = 0;
  std::array<std::size_t, 4> met{};
  letter_case before = letter_case::none;
  for (std::size_t at = 0; at < text.size();) {
    const letter_case now = case_of(take(text, at));
    ++met[static_cast<std::size_t>(now)];
    in_a_row = now == letter_case::digit ? in_a_row + 1 : 0;
    if (in_a_row == many_digits) return true;
    const bool joined = now != letter_case::none && before != letter_case::none;
    if (joined && (now == letter_case::digit) != (before == letter_case::digit)) ++turns;
    if (joined && now != before) ++changes;
    before = now;
  }
  const std::size_t digits = met[static_cast<std::size_t>(letter_case::digit)];
  const std::size_t lower = met[static_cast<std::size_t>(letter_case::lower)];
  const std::size_t upper = met[static_cast<std::size_t>(letter_case::upper)];
  if (turns >= many_turns && digits + lower + upper >= 10) return true;
  return digits > 0 && lower > 0 && upper > 0 && changes >= many_cases && digits + lower + upper >= long_run;
}

// Of what a segment is made.
struct makeup {
  int digits = 0;
  int letters = 0;
  int joints = 0;    // - _ .
  int reserved = 0;  // ASCII that had to be escaped: a slash, a space, an @
  int foreign = 0;   // bytes of other letters than ASCII's

  bool is_mixed() const { return digits > 0 && letters > 0; }
};

makeup makeup_of(std::string_view segment) {
  makeup of;
  for (std::size_t at = 0; at < segment.size();) {
    const std::size_t before = at;
    const char c = take(segment, at);
    if (at - before > 1) {
      ++(static_cast<unsigned char>(c) < 0x80 ? of.reserved : of.foreign);
    } else if (is_digit(c)) {
      ++of.digits;
    } else if (is_letter(c)) {
      ++of.letters;
    } else if (c == '-' || c == '_' || c == '.') {
      ++of.joints;
    }
  }
  return of;
}

}  // namespace

std::string_view label(shape of) {
  switch (of) {
    case shape::integer:
      return "integer";
    case shape::uuid:
      return "uuid";
    case shape::hex:
      return "hex";
    case shape::date:
      return "date";
    case shape::email:
      return "email";
    case shape::address:
      return "address";
    case shape::code:
      return "code";
    case shape::slug:
      return "slug";
    case shape::text:
      return "text";
  }
  return "text";
}

shape classify(std::string_view segment) {
  if (is_integer(segment)) return shape::integer;
  if (is_uuid(segment)) return shape::uuid;
  if (is_date(segment)) return shape::date;
  if (is_email(segment)) return shape::email;
  if (is_address(segment)) return shape::address;
  const makeup of = makeup_of(segment);
  if (segment.size() >= shortest_hex && of.digits > 0 && std::ranges::all_of(segment, is_hex)) return shape::hex;
  if (is_code(segment)) return shape::code;
  if (is_version(segment)) return shape::text;
  return of.joints >= 2 || of.is_mixed() || of.reserved > 0 ? shape::slug : shape::text;
}

bool is_value_like(std::string_view segment) {
  const makeup of = makeup_of(segment);
  return (of.is_mixed() && !is_version(segment)) || of.reserved > 0 || of.foreign > 0;
}

bool is_harmless(std::string_view segment) {
  const shape looks = classify(segment);
  if (looks == shape::integer) {
    return segment.size() <= 2 || (segment.size() == 4 && (segment.starts_with("19") || segment.starts_with("20")));
  }
  return !is_typed(looks) || looks == shape::date;
}

std::string_view file_extension(std::string_view segment) {
  const std::size_t dot = segment.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || segment.contains("%2F")) return {};
  const std::string_view extension = segment.substr(dot + 1);
  const bool usual = !extension.empty() && extension.size() <= longest_extension && is_letter(extension[0]) &&
                     std::ranges::all_of(extension, [](char c) { return is_letter(c) || is_digit(c); });
  return usual ? extension : std::string_view();
}

}  // namespace assay::learn
