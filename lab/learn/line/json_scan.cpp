#include "lab/learn/line/json_scan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::uint32_t high_surrogate = 0xd800;
constexpr std::uint32_t low_surrogate = 0xdc00;
constexpr std::uint32_t behind_surrogates = 0xe000;

void append_utf8(std::string& to, std::uint32_t point) {
  const auto byte = [&](std::uint32_t bits) { to += static_cast<char>(bits); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0U | point >> 6U);
    byte(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    byte(0xe0U | point >> 12U);
    byte(0x80U | (point >> 6U & 0x3fU));
    byte(0x80U | (point & 0x3fU));
  } else {
    byte(0xf0U | point >> 18U);
    byte(0x80U | (point >> 12U & 0x3fU));
    byte(0x80U | (point >> 6U & 0x3fU));
    byte(0x80U | (point & 0x3fU));
  }
}

// The four digits behind "\u", or nothing.
bool read_unit(std::string_view raw, std::size_t at, std::uint32_t& to) {
  if (raw.size() < at + 4) return false;
  to = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const int digit = hex_digit(raw[i]);
    if (digit < 0) return false;
    to = 16 * to + static_cast<std::uint32_t>(digit);
  }
  return true;
}

// -1.5e+3 and nothing else.
bool is_number(std::string_view text) {
  const auto digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool zero = text.starts_with('0');
  const std::size_t before = text.size();
  if (!digits() || (zero && before - text.size() > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!digits()) return false;
  }
  return text.empty();
}

}  // namespace

void json_scanner::skip_space() {
  const std::size_t count = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
  rest_.remove_prefix(count);
}

bool json_scanner::take(char c) {
  if (!rest_.starts_with(c)) return false;
  rest_.remove_prefix(1);
  return true;
}

void json_scanner::hand_on(std::string_view text) {
  if (path_.size() <= max_json_path_bytes) to_->leaf(path_, text);
}

// `raw` is what stands between the quotes; escapes only ever get shorter, so that decoded_ has room.
bool json_scanner::decode(std::string_view raw, std::string_view& to) {
  constexpr std::array plain{std::pair{'"', '"'},  std::pair{'\\', '\\'}, std::pair{'/', '/'},  std::pair{'b', '\b'},
                             std::pair{'f', '\f'}, std::pair{'n', '\n'},  std::pair{'r', '\r'}, std::pair{'t', '\t'}};
  const std::size_t begins = decoded_.size();
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      decoded_ += raw[i];
      continue;
    }
    ++i;
    if (i == raw.size()) return false;
    if (const auto known = std::ranges::find(plain, raw[i], [](const auto& each) { return each.first; });
        known != plain.end()) {
      decoded_ += known->second;
      continue;
    }
    std::uint32_t unit = 0;
    if (raw[i] != 'u' || !read_unit(raw, i + 1, unit)) return false;
    i += 4;
    std::uint32_t second = 0;
    const bool pair = unit >= high_surrogate && unit < low_surrogate && raw.substr(i + 1).starts_with("\\u") &&
                      read_unit(raw, i + 3, second) && second >= low_surrogate && second < behind_surrogates;
    if (pair) {
      unit = 0x10000 + ((unit - high_surrogate) << 10U) + (second - low_surrogate);
      i += 6;
    }
    append_utf8(decoded_, unit);
  }
  to = std::string_view(decoded_).substr(begins);
  return true;
}

bool json_scanner::string(std::string_view& to) {
  if (!take('"')) return false;
  const std::size_t quote = find_quote(rest_, 0);
  if (quote == std::string_view::npos) return false;
  to = rest_.substr(0, quote);
  rest_.remove_prefix(quote + 1);
  if (std::ranges::any_of(to, [](char c) { return c >= 0 && c < ' '; })) return false;
  return to.find('\\') == std::string_view::npos || decode(to, to);
}

bool json_scanner::scalar() {
  const std::string_view text = rest_.substr(0, rest_.find_first_of(",]} \t\r\n"));
  rest_.remove_prefix(text.size());
  if (text == "null") return true;
  if (text != "true" && text != "false" && !is_number(text)) return false;
  hand_on(text);
  return true;
}

bool json_scanner::value(std::size_t depth) {
  skip_space();
  if (rest_.starts_with('{')) return object(depth + 1);
  if (rest_.starts_with('[')) return array(depth + 1);
  if (!rest_.starts_with('"')) return scalar();
  std::string_view text;
  if (!string(text)) return false;
  hand_on(text);
  return true;
}

bool json_scanner::array(std::size_t depth) {
  if (depth > max_json_depth || !take('[')) return false;
  skip_space();
  if (take(']')) return true;
  for (;;) {
    if (!value(depth)) return false;
    skip_space();
    if (take(']')) return true;
    if (!take(',')) return false;
  }
}

bool json_scanner::object(std::size_t depth) {
  if (depth > max_json_depth || !take('{')) return false;
  skip_space();
  if (take('}')) return true;
  const std::size_t above = path_.size();
  for (;;) {
    skip_space();
    std::string_view key;
    if (!string(key)) return false;
    skip_space();
    if (!take(':')) return false;
    if (above > 0) path_ += '.';
    path_ += key;
    if (!value(depth)) return false;
    path_.resize(above);
    skip_space();
    if (take('}')) return true;
    if (!take(',')) return false;
  }
}

bool json_scanner::scan(std::string_view text, json_leaves& to) {
  to_ = &to;
  rest_ = text;
  path_.clear();
  decoded_.clear();
  decoded_.reserve(text.size());
  skip_space();
  const bool whole = object(1);
  skip_space();
  return whole && rest_.empty();
}

}  // namespace assay::learn
