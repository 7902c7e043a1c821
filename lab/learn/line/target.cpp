#include "lab/learn/line/target.hpp"

#include <algorithm>

namespace assay::learn {
namespace {

constexpr std::size_t longest_integer = 18;  // digits that fit 64 bit with any sign
constexpr std::size_t shortest_hex = 8;
constexpr std::size_t longest_extension = 5;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string one_spelling(std::string_view raw) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string spelled;
  for (const char c : raw) {
    const bool plain = c > ' ' && c < 0x7f && c != '{' && c != '}' && c != '"' && c != '\\' && c != '<' && c != '>';
    if (spelled.size() >= max_segment_bytes) break;
    if (plain) {
      spelled += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      spelled.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  return spelled;
}

std::vector<std::string> keys_of(std::string_view query) {
  std::vector<std::string> keys;
  while (!query.empty() && keys.size() < max_query_keys) {
    const std::size_t end = query.find_first_of("&;");
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    std::string key = one_spelling(pair.substr(0, pair.find('=')));
    if (!key.empty() && std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
  }
  return keys;
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

}  // namespace

std::optional<split_target> split(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); scheme == 4 || scheme == 5) {  // as a proxy is asked
    if (target.starts_with("http")) {
      const std::size_t path = target.find_first_of("/?#", scheme + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  if (!target.starts_with('/')) return std::nullopt;
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  split_target parts;
  if (question != std::string_view::npos) parts.query_keys = keys_of(target.substr(question + 1));
  std::string_view path = target.substr(1, question == std::string_view::npos ? question : question - 1);
  if (path.empty()) return parts;
  for (;;) {
    if (parts.segments.size() == max_segments) return std::nullopt;
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    parts.segments.push_back(one_spelling(segment.substr(0, segment.find(';'))));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

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
  const auto digits = std::ranges::count_if(segment, is_digit);
  const auto letters = std::ranges::count_if(segment, is_letter);
  if (segment.size() >= shortest_hex && digits > 0 && std::ranges::all_of(segment, is_hex)) return shape::hex;
  const auto joints = std::ranges::count_if(segment, [](char c) { return c == '-' || c == '_' || c == '.'; });
  if (is_version(segment)) return shape::text;
  return joints >= 2 || (digits > 0 && letters > 0) ? shape::slug : shape::text;
}

std::string_view file_extension(std::string_view segment) {
  const std::size_t dot = segment.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view extension = segment.substr(dot + 1);
  const bool usual = !extension.empty() && extension.size() <= longest_extension && is_letter(extension[0]) &&
                     std::ranges::all_of(extension, [](char c) { return is_letter(c) || is_digit(c); });
  return usual ? extension : std::string_view();
}

}  // namespace assay::learn
