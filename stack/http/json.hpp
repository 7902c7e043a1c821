// JSON of what a handler has at hand, in one string and without a tree in between.
//
//   co_return http::response::json(http::json_object({{"id", id}, {"name", name}, {"note", nullptr}}));
//   // {"id":7,"name":"tea","note":null}
//
// Text is escaped, and what is not UTF-8 in it becomes U+FFFD. What comes in is another matter: read it with a library.
//
// Misuse: keeping a json_field. It refers to the text that it was made of, for the one call.
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

struct json_field {
  using any = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string_view, json_text>;

  json_field(std::string_view name, std::nullptr_t) : key(name), value(nullptr) {}
  json_field(std::string_view name, std::string_view text) : key(name), value(text) {}
  json_field(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  json_field(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  json_field(std::string_view name, json_text json) : key(name), value(json) {}
  json_field(std::string_view name, bool yes) : key(name), value(yes) {}
  json_field(std::string_view name, double number) : key(name), value(number) {}  // null unless it is finite
  template <std::signed_integral T>
  json_field(std::string_view name, T number) : key(name), value(std::int64_t{number}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  json_field(std::string_view name, T number) : key(name), value(std::uint64_t{number}) {}

  std::string_view key;
  any value;
};

// In the order of the fields.
void append_json_object(std::string& to, std::initializer_list<json_field> fields);
std::string json_object(std::initializer_list<json_field> fields);

}  // namespace assay::http
