#include "lab/inside/statement_shape.hpp"

#include <algorithm>

namespace assay::inside {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Bytes of characters beyond ASCII are letters to PostgreSQL.
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) || static_cast<signed char>(c) < 0;
}

// Each takes the offset of a token's first byte and gives that behind its last. A statement that the server has cut may
// end inside of any of them.
std::size_t behind_quoted(std::string_view sql, std::size_t at, char quote, bool backslashes) {
  for (++at; at < sql.size(); ++at) {
    if (backslashes && sql[at] == '\\') {
      ++at;
    } else if (sql[at] == quote) {
      if (at + 1 >= sql.size() || sql[at + 1] != quote) return at + 1;
      ++at;  // doubled: one of the text's own
    }
  }
  return sql.size();
}

std::size_t behind(std::string_view sql, std::size_t from, std::string_view end) {
  const auto found = sql.find(end, from);
  return found == std::string_view::npos ? sql.size() : found + end.size();
}

// $$text$$ or $tag$text$tag$; `at` itself when it is none: $1.
std::size_t behind_dollars(std::string_view sql, std::size_t at) {
  std::size_t end = at + 1;
  while (end < sql.size() && is_word(sql[end])) ++end;
  const bool is_tag = end < sql.size() && sql[end] == '$' && (end == at + 1 || !is_digit(sql[at + 1]));
  return is_tag ? behind(sql, end + 1, sql.substr(at, end + 1 - at)) : at;
}

std::size_t behind_number(std::string_view sql, std::size_t at) {
  while (at < sql.size() && (is_word(sql[at]) || sql[at] == '.')) ++at;
  return at;
}

// Of white space and comments that begin here; `at` itself when there are none.
std::size_t behind_nothing(std::string_view sql, std::size_t at) {
  if (is_space(sql[at])) return at + 1;
  if (sql.substr(at).starts_with("--")) return behind(sql, at, "\n");
  if (sql.substr(at).starts_with("/*")) return behind(sql, at + 2, "*/");
  return at;
}

// Of a value that begins here.
std::size_t behind_value(std::string_view sql, std::size_t at, std::string_view before) {
  const bool in_word = !before.empty() && (is_word(before.back()) || before.back() == '$');
  if (sql[at] == '\'') return behind_quoted(sql, at, '\'', false);
  if (is_digit(sql[at]) && !in_word) return behind_number(sql, at);
  if (sql[at] == '$' && !in_word) return behind_dollars(sql, at);
  const bool prefixed = !in_word && at + 1 < sql.size() && sql[at + 1] == '\'';
  if (prefixed && (sql[at] == 'e' || sql[at] == 'E')) return behind_quoted(sql, at + 1, '\'', true);
  if (prefixed && std::string_view("bBxXnN").contains(sql[at])) return behind_quoted(sql, at + 1, '\'', false);
  return at;
}

// Where a character of UTF-8 begins.
void shorten(std::string& text) {
  if (text.size() <= most_shape_bytes) return;
  std::size_t end = most_shape_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  text += "...";
}

}  // namespace

std::string statement_shape(std::string_view sql) {
  std::string shape;
  bool space = false;
  for (std::size_t at = 0; at < sql.size() && shape.size() <= most_shape_bytes;) {
    if (const auto next = behind_nothing(sql, at); next != at) {
      space = !shape.empty();
      at = next;
      continue;
    }
    const auto value_end = behind_value(sql, at, space ? std::string_view() : std::string_view(shape));
    if (space) shape += ' ';
    space = false;
    if (value_end != at) {
      shape += '?';
      at = value_end;
    } else if (sql[at] == '"') {  // a name
      const auto end = behind_quoted(sql, at, '"', false);
      shape += sql.substr(at, end - at);
      at = end;
    } else {
      shape += sql[at++];
    }
  }
  std::ranges::replace_if(shape, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  while (shape.ends_with(';') || shape.ends_with(' ')) shape.pop_back();
  shorten(shape);
  return shape;
}

}  // namespace assay::inside
