// JSON of what a handler has at hand, in one string and without a tree in between.
//
//   co_return http::response::json(http::json_object({{"id", id}, {"name", name}, {"note", nullptr}}));
//   // {"id":7,"name":"tea","note":null}
//
// Text is escaped, and what is not UTF-8 in it becomes U+FFFD. What comes in: json_reader.hpp.
//
// A list or an object inside is JSON already: {"tags", http::json_text{http::json_list({"wood", "new"})}}.
//
// Misuse: keeping a json_field or json_value. It refers to the text that it was made of, for the one call.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace assay::http {

// Is JSON already: a list, another object.
struct json_text {
  std::string_view text;
};

struct json_value {
  using any = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view, json_text>;

  json_value(std::nullptr_t) : held(nullptr) {}
  json_value(std::string_view text) : held(text) {}
  json_value(const char* text) : held(std::string_view(text)) {}
  json_value(const std::string& text) : held(std::string_view(text)) {}
  json_value(json_text json) : held(json) {}
  json_value(bool yes) : held(yes) {}
  json_value(double number) : held(number) {}  // null unless it is finite
  template <std::signed_integral T>
  json_value(T number) : held(std::int64_t{number}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  json_value(T number) : held(std::uint64_t{number}) {}

  any held;
};

struct json_field {
  json_field(std::string_view name, json_value of) : key(name), value(of) {}

  std::string_view key;
  json_value value;
};

// In the order of the fields.
void append_json_object(std::string& to, std::initializer_list<json_field> fields);
std::string json_object(std::initializer_list<json_field> fields);

void append_json_list(std::string& to, std::initializer_list<json_value> values);
std::string json_list(std::initializer_list<json_value> values);

}  // namespace assay::http
