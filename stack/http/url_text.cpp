#include "stack/http/url_text.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <system_error>

namespace assay::http {
namespace {

// 0..15, or -1.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class broken : bool { refused, kept };

std::optional<std::string> decoded(std::string_view text, bool plus_is_space, broken percent) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      plain += ' ';
    } else if (text[i] != '%') {
      plain += text[i];
    } else if (i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
      plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else if (percent == broken::kept) {
      plain += '%';
    } else {
      return std::nullopt;
    }
  }
  return plain;
}

// The length of the sequence that `lead` begins, and the range of the byte after it (Unicode, table 3-7); 0: none.
struct utf8_form {
  std::size_t length;
  unsigned char low;
  unsigned char high;
};

utf8_form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0, 0};
  if (lead >= 0xc2 && lead <= 0xdf) return {2, 0x80, 0xbf};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead >= 0xe1 && lead <= 0xef) return {3, 0x80, 0xbf};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead >= 0xf1 && lead <= 0xf3) return {4, 0x80, 0xbf};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

// Each number has one text that is read; what std::from_chars takes beside it is refused here.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.starts_with('0') && text != "0") return std::nullopt;
  Number number = 0;
  const char* const begin = text.data();
  const char* const last = begin + text.size();
  const auto [end, failed] = std::from_chars(begin, last, number);
  if (failed != std::errc() || end != last) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) { return decoded(text, false, broken::refused); }

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = pair.find('=');
    if (*decoded(pair.substr(0, equals), true, broken::kept) != name) continue;
    return decoded(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true, broken::kept);
  }
  return std::nullopt;
}

std::optional<std::size_t> utf8_length(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const utf8_form form = form_of(static_cast<unsigned char>(text.front()));
    if (form.length == 0 || form.length > text.size()) return std::nullopt;
    for (std::size_t i = 1; i < form.length; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte < (i == 1 ? form.low : 0x80) || byte > (i == 1 ? form.high : 0xbf)) return std::nullopt;
    }
    text.remove_prefix(form.length);
    count++;
  }
  return count;
}

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t least, std::int64_t most) {
  const std::optional<std::int64_t> number = number_in<std::int64_t>(text);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

std::optional<std::uint64_t> natural_number(std::string_view text, std::uint64_t most) {
  const std::optional<std::uint64_t> number = number_in<std::uint64_t>(text);
  return number && *number <= most ? number : std::nullopt;
}

std::optional<std::int64_t> parse_whole(std::string_view digits, std::size_t max_digits) {
  assert(max_digits <= 18 && "it has to fit 64 bits");
  if (digits.empty() || digits.size() > max_digits) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return std::ranges::equal(text, form, [](char c, char expected) {
    if (expected == '-') return c == '-';
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

}  // namespace assay::http
