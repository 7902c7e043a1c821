// Rows as JSON, in one string and without a tree in between.
#include <libpq-fe.h>

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

void append_json(std::string& to, const row& of) {
  to += '{';
  for (int column = 0; column < PQnfields(of.of_); ++column) {
    if (column > 0) to += ',';
    observe::append_json_string(to, PQfname(of.of_, column));
    to += ':';
    const std::optional<std::string_view> text = of.text(column);
    text ? append_value(to, *text, PQftype(of.of_, column)) : void(to += "null");
  }
  to += '}';
}

std::string json_of(const row& of) {
  std::string text;
  append_json(text, of);
  return text;
}

std::string json_of(const rows& of) {
  std::string text = "[";
  for (const row each : of) {
    if (text.size() > 1) text += ',';
    append_json(text, each);
  }
  text += ']';
  return text;
}

}  // namespace assay::data
