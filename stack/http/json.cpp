#include "stack/http/json.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "stack/observe/text_escape.hpp"

namespace assay::http {
namespace {

constexpr std::size_t usual_bytes = 256;  // of an object

template <class Number>
void append_number(std::string& to, Number number) {
  std::array<char, 32> digits;
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

struct value_writer {
  std::string& to;

  void operator()(std::nullptr_t) const { to += "null"; }
  void operator()(bool yes) const { to += yes ? "true" : "false"; }
  void operator()(std::int64_t number) const { append_number(to, number); }
  void operator()(std::uint64_t number) const { append_number(to, number); }
  void operator()(double number) const {
    if (std::isfinite(number)) return append_number(to, number);
    to += "null";
  }
  void operator()(std::string_view text) const { observe::append_json_string(to, text); }
  void operator()(json_text json) const { to += json.text; }
};

std::size_t bytes_of(const json_value& value) {
  const auto* json = std::get_if<json_text>(&value.held);
  return json != nullptr ? json->text.size() : 0;
}

}  // namespace

void append_json_object(std::string& to, std::initializer_list<json_field> fields) {
  char before = '{';
  for (const json_field& each : fields) {
    to += before;
    before = ',';
    observe::append_json_string(to, each.key);
    to += ':';
    std::visit(value_writer{to}, each.value.held);
  }
  if (fields.size() == 0) to += '{';
  to += '}';
}

std::string json_object(std::initializer_list<json_field> fields) {
  std::size_t bytes = usual_bytes;
  for (const json_field& each : fields) bytes += bytes_of(each.value);
  std::string json;
  json.reserve(bytes);
  append_json_object(json, fields);
  return json;
}

void append_json_list(std::string& to, std::initializer_list<json_value> values) {
  char before = '[';
  for (const json_value& each : values) {
    to += before;
    before = ',';
    std::visit(value_writer{to}, each.held);
  }
  if (values.size() == 0) to += '[';
  to += ']';
}

std::string json_list(std::initializer_list<json_value> values) {
  std::size_t bytes = usual_bytes;
  for (const json_value& each : values) bytes += bytes_of(each);
  std::string json;
  json.reserve(bytes);
  append_json_list(json, values);
  return json;
}

}  // namespace assay::http
