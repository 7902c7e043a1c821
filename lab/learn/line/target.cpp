#include "lab/learn/line/target.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// What needs no escape anywhere (RFC 3986, 2.3).
bool is_unreserved(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

// What stands for itself in a segment as it was logged.
bool is_plain(char c) {
  return c > ' ' && c < 0x7f && c != '%' && c != '{' && c != '}' && c != '"' && c != '\\' && c != '<' && c != '>';
}

constexpr std::size_t most_spelled_bytes = max_segment_bytes + 2;  // a byte more may be written as three

// Writes at most most_spelled_bytes to `to`; how many.
std::size_t spell_to(std::string_view raw, char* to) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::size_t length = 0;
  for (std::size_t i = 0; i < raw.size() && length < max_segment_bytes; ++i) {
    char c = raw[i];
    bool plain = is_plain(c);
    if (c == '%' && i + 2 < raw.size() && hex_digit(raw[i + 1]) >= 0 && hex_digit(raw[i + 2]) >= 0) {
      c = static_cast<char>(16 * hex_digit(raw[i + 1]) + hex_digit(raw[i + 2]));
      plain = is_unreserved(c);
      i += 2;
    }
    if (plain) {
      to[length++] = c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    to[length++] = '%';
    to[length++] = digits[byte >> 4U];
    to[length++] = digits[byte & 15U];
  }
  return length;
}

}  // namespace

std::string one_spelling(std::string_view raw) {
  std::array<char, most_spelled_bytes> spelled{};
  return {spelled.data(), spell_to(raw, spelled.data())};
}

// The text is reserved for a whole target, so that views into it stay.
std::string_view split_target::spell(std::string_view raw) {
  const std::size_t begins = text_.size();
  text_.resize(begins + most_spelled_bytes);
  const std::size_t length = spell_to(raw, text_.data() + begins);
  text_.resize(begins + length);
  return {text_.data() + begins, length};
}

void split_target::read_keys(std::string_view query) {
  while (!query.empty() && query_keys.size() < max_query_keys) {
    const std::size_t end = query.find_first_of("&;");
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::string_view key = spell(pair.substr(0, pair.find('=')));
    if (key.empty()) continue;
    if (std::ranges::find(query_keys, key) != query_keys.end()) {
      text_.resize(text_.size() - key.size());
    } else {
      query_keys.push_back(key);
    }
  }
}

bool split(std::string_view target, split_target& to) {
  to.segments.clear();
  to.query_keys.clear();
  to.text_.clear();
  to.text_.reserve((max_segments + max_query_keys + 1) * most_spelled_bytes);
  if (const std::size_t scheme = target.find("://"); scheme == 4 || scheme == 5) {  // as a proxy is asked
    if (target.starts_with("http")) {
      const std::size_t path = target.find_first_of("/?#", scheme + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
  }
  if (!target.starts_with('/')) return false;
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  if (question != std::string_view::npos) to.read_keys(target.substr(question + 1));
  std::string_view path = target.substr(1, question == std::string_view::npos ? question : question - 1);
  if (path.empty()) return true;
  for (;;) {
    if (to.segments.size() == max_segments) return false;
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    to.segments.push_back(to.spell(segment.substr(0, segment.find(';'))));
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

std::optional<split_target> split(std::string_view target) {
  split_target parts;
  if (!split(target, parts)) return std::nullopt;
  return parts;
}

}  // namespace assay::learn
