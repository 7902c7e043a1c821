// Rows as JSON, in one string and without a tree in between.
#include <libpq-fe.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "stack/data/rows.hpp"
#include "stack/observe/text_escape.hpp"

namespace assay::data {
namespace {

// Of PostgreSQL's catalogue (pg_type.dat); they never change.
enum type_oid : Oid {
  boolean = 16,
  int8 = 20,
  int2 = 21,
  int4 = 23,
  json = 114,
  float4 = 700,
  float8 = 701,
  jsonb = 3802
};

constexpr std::size_t most_reserved_bytes = 1024 * 1024;

// What is no number in JSON: NaN, Infinity, -Infinity.
bool is_finite(std::string_view number) { return number.back() >= '0' && number.back() <= '9'; }

void append_value(std::string& to, std::string_view text, Oid type) {
  switch (type) {
    case boolean:
      to += text == "t" ? "true" : "false";
      return;
    case int8:
    case int2:
    case int4:
    case json:
    case jsonb:
      to += text;
      return;
    case float4:
    case float8:
      to += is_finite(text) ? text : "null";
      return;
    default:
      observe::append_json_string(to, text);
  }
}

}  // namespace

// The columns of an answer: what is the same in each of its rows.
class detail::json_columns {
 public:
  explicit json_columns(const row& first) {
    const int count = PQnfields(first.of_);
    all_.reserve(static_cast<std::size_t>(count));
    for (int column = 0; column < count; ++column) {
      std::string before(column == 0 ? "" : ",");
      observe::append_json_string(before, PQfname(first.of_, column));
      before += ':';
      all_.push_back({.before = std::move(before), .type = PQftype(first.of_, column)});
    }
  }

  void append(std::string& to, const row& of) const {
    to += '{';
    for (int column = 0; const auto& [before, type] : all_) {
      to += before;
      const auto bytes = static_cast<std::size_t>(PQgetlength(of.of_, of.index_, column));
      if (bytes == 0 && PQgetisnull(of.of_, of.index_, column) != 0) {
        to += "null";
      } else {
        append_value(to, {PQgetvalue(of.of_, of.index_, column), bytes}, type);
      }
      column++;
    }
    to += '}';
  }

 private:
  struct column {
    std::string before;  // the value: its name, and a comma where there is another before it
    Oid type;
  };
  std::vector<column> all_;
};

void append_json(std::string& to, const row& of) { detail::json_columns(of).append(to, of); }

std::string json_of(const row& of) {
  std::string text;
  append_json(text, of);
  return text;
}

std::string json_of(const rows& of) {
  if (of.empty()) return "[]";
  const detail::json_columns columns(of[0]);
  std::string text = "[";
  columns.append(text, of[0]);
  // Rows of a table are about as long, unless the first is the one with a long text.
  text.reserve(std::min((text.size() + 1) * of.size(), most_reserved_bytes));
  for (std::size_t i = 1; i < of.size(); ++i) {
    text += ',';
    columns.append(text, of[i]);
  }
  text += ']';
  return text;
}

}  // namespace assay::data
