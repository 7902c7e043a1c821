#include "lab/learn/line/text.hpp"

#include <algorithm>
#include <charconv>

namespace assay::learn {
namespace {

std::optional<double> read_double(std::string_view word, std::chars_format how) {
  double value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value, how);
  const bool whole = failed == std::errc() && end == word.data() + word.size();
  return whole && !word.empty() && is_digit(word[0]) ? std::optional(value) : std::nullopt;
}

}  // namespace

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

std::size_t find_quote(std::string_view text, std::size_t from) {
  for (std::size_t quote = text.find('"', from); quote != std::string_view::npos; quote = text.find('"', quote + 1)) {
    std::size_t escapes = 0;
    while (quote - escapes > from && text[quote - escapes - 1] == '\\') ++escapes;
    if (escapes % 2 == 0) return quote;
  }
  return std::string_view::npos;
}

std::optional<std::string_view> take_quoted(std::string_view& rest) {
  const std::size_t quote = find_quote(rest, 1);
  if (quote == std::string_view::npos) return std::nullopt;
  const std::string_view inside = rest.substr(1, quote - 1);
  rest.remove_prefix(quote + 1);
  return inside;
}

std::optional<std::uint64_t> whole_number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || failed != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<double> decimal(std::string_view word) { return read_double(word, std::chars_format::fixed); }

std::optional<double> amount(std::string_view word) { return read_double(word, std::chars_format::general); }

bool is_method(std::string_view text) {
  const bool named = !text.empty() && text.size() <= max_method_bytes && text[0] >= 'A' && text[0] <= 'Z';
  return named && std::ranges::all_of(text, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; });
}

std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) {
    const std::size_t close = address.find(']');
    return close == std::string_view::npos ? address : address.substr(1, close - 1);
  }
  const std::size_t colon = address.find(':');
  const bool one = colon != std::string_view::npos && address.find(':', colon + 1) == std::string_view::npos;
  return one ? address.substr(0, colon) : address;
}

}  // namespace assay::learn
