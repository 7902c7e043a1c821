#include "stack/observe/trace_context.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

namespace assay::observe {
namespace {

// 00-<32 digits>-<16 digits>-<2 digits>
constexpr std::size_t version_00_bytes = 55;
constexpr std::size_t trace_id_at = 3;
constexpr std::size_t span_id_at = 36;
constexpr std::size_t flags_at = 53;

// The value of a lowercase digit; 16 for any other byte.
constexpr unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  return 16;
}

bool read_hex(std::string_view digits, std::span<std::uint8_t> into) {
  for (std::size_t i = 0; i < into.size(); ++i) {
    const unsigned high = digit_value(digits[2 * i]);
    const unsigned low = digit_value(digits[2 * i + 1]);
    if (high > 15 || low > 15) return false;
    into[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

void append_hex(std::string& to, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::size_t at = to.size();
  to.resize(at + 2 * bytes.size());
  for (const std::uint8_t each : bytes) {
    to[at++] = digits[each >> 4];
    to[at++] = digits[each & 15];
  }
}

bool is_zero(std::span<const std::uint8_t> id) {
  return std::ranges::all_of(id, [](std::uint8_t each) { return each == 0; });
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_key_part(std::string_view part, std::size_t most, bool may_begin_with_digit) {
  if (part.empty() || part.size() > most) return false;
  if (!is_lower(part.front()) && !(may_begin_with_digit && is_digit(part.front()))) return false;
  return std::ranges::all_of(
      part, [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/'; });
}

// "vendor", or "tenant@vendor".
bool is_key(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) return is_key_part(key, 256, false);
  return is_key_part(key.substr(0, at), 241, true) && is_key_part(key.substr(at + 1), 14, false);
}

// Visible ASCII but ',' and '='; spaces within.
bool is_value(std::string_view value) {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != ',' && c != '='; });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

}  // namespace

std::string_view label(trace_error why) {
  constexpr std::array<std::string_view, 4> labels = {"bad_length", "bad_version", "bad_format", "zero_id"};
  return labels.at(static_cast<std::size_t>(why));
}

std::expected<trace_identity, trace_error> parse_traceparent(std::string_view value) {
  if (value.size() < version_00_bytes) return std::unexpected(trace_error::bad_length);
  std::array<std::uint8_t, 1> version{};
  if (!read_hex(value, version) || version[0] == 0xFF) return std::unexpected(trace_error::bad_version);
  if (value.size() > version_00_bytes) {
    if (version[0] == 0) return std::unexpected(trace_error::bad_length);
    if (value[version_00_bytes] != '-') return std::unexpected(trace_error::bad_format);
  }
  trace_identity parent;
  std::array<std::uint8_t, 1> flags{};
  const bool fits = value[trace_id_at - 1] == '-' && value[span_id_at - 1] == '-' && value[flags_at - 1] == '-' &&
                    read_hex(value.substr(trace_id_at), parent.trace_id) &&
                    read_hex(value.substr(span_id_at), parent.span_id) && read_hex(value.substr(flags_at), flags);
  if (!fits) return std::unexpected(trace_error::bad_format);
  if (is_zero(parent.trace_id) || is_zero(parent.span_id)) return std::unexpected(trace_error::zero_id);
  parent.flags = flags[0] & (trace_sampled | trace_random);
  return parent;
}

std::string format_traceparent(const trace_identity& of) {
  assert(!is_zero(of.trace_id) && !is_zero(of.span_id) && "a trace has ids");
  std::string text = "00-";
  append_hex(text, of.trace_id);
  text += '-';
  append_hex(text, of.span_id);
  text += '-';
  append_hex(text, std::array{of.flags});
  return text;
}

bool valid_tracestate(std::string_view value) {
  if (value.size() > max_tracestate_bytes) return false;
  std::array<std::string_view, max_tracestate_members> keys;
  std::size_t members = 0;
  for (std::string_view rest = value; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view member = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (member.empty()) continue;  // allowed between two commas
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos || members == keys.size()) return false;
    const std::string_view key = member.substr(0, equals);
    const auto known = keys.begin() + static_cast<std::ptrdiff_t>(members);
    if (!is_key(key) || !is_value(member.substr(equals + 1)) || std::find(keys.begin(), known, key) != known) {
      return false;
    }
    keys[members++] = key;
  }
  return members > 0;
}

std::string to_hex(const trace_identity& of) {
  std::string text;
  append_hex(text, of.trace_id);
  return text;
}

std::string to_hex(std::uint64_t id) {
  std::string text;
  for (int shift = 56; shift >= 0; shift -= 8) append_hex(text, std::array{static_cast<std::uint8_t>(id >> shift)});
  return text;
}

std::optional<std::uint64_t> parse_request_id(std::string_view value) {
  std::array<std::uint8_t, 8> bytes{};
  if (value.size() != 16 || !read_hex(value, bytes) || is_zero(bytes)) return std::nullopt;
  std::uint64_t id = 0;
  for (const std::uint8_t each : bytes) id = id << 8 | each;
  return id;
}

}  // namespace assay::observe
