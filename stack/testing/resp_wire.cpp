#include "stack/testing/resp_wire.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace assay::testing::detail {
namespace {

using data::redis::reply;
using data::redis::reply_kind;

constexpr std::string_view line_end = "\r\n";

void append_line(std::string& to, char type, std::string_view text) {
  to.push_back(type);
  to.append(text).append(line_end);
}

void append_text(std::string& to, std::string_view text) {
  append_line(to, '$', std::to_string(text.size()));
  to.append(text).append(line_end);
}

std::string digits_of(double number) {
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  return {digits.data(), written.ptr};
}

void append(std::string& to, const reply& of, bool resp3);

void append_elements(std::string& to, char type, std::size_t count, const reply& of, bool resp3) {
  append_line(to, type, std::to_string(count));
  for (const reply& each : of.elements) append(to, each, resp3);
}

void append(std::string& to, const reply& of, bool resp3) {
  switch (of.kind) {
    case reply_kind::null:
      return resp3 ? append_line(to, '_', "") : append_line(to, '$', "-1");
    case reply_kind::status:
      return append_line(to, '+', of.text);
    case reply_kind::error:
      return append_line(to, '-', of.text);
    case reply_kind::text:
      return append_text(to, of.text);
    case reply_kind::integer:
      return append_line(to, ':', std::to_string(of.integer));
    case reply_kind::real:
      return resp3 ? append_line(to, ',', digits_of(of.real)) : append_text(to, digits_of(of.real));
    case reply_kind::boolean:
      return resp3 ? append_line(to, '#', of.integer != 0 ? "t" : "f")
                   : append_line(to, ':', std::to_string(of.integer));
    case reply_kind::big_number:
      return resp3 ? append_line(to, '(', of.text) : append_text(to, of.text);
    case reply_kind::array:
      return append_elements(to, '*', of.elements.size(), of, resp3);
    case reply_kind::set:
      return append_elements(to, resp3 ? '~' : '*', of.elements.size(), of, resp3);
    case reply_kind::push:
      return append_elements(to, resp3 ? '>' : '*', of.elements.size(), of, resp3);
    case reply_kind::map:
      return append_elements(to, resp3 ? '%' : '*', resp3 ? of.elements.size() / 2 : of.elements.size(), of, resp3);
  }
}

}  // namespace

std::string resp_bytes(const reply& of, bool resp3) {
  std::string bytes;
  append(bytes, of, resp3);
  return bytes;
}

}  // namespace assay::testing::detail
