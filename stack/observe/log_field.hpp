// One key of a log line with its value, and how a line is written: one JSON object, in the order of the fields.
//
//   write(site, {{"route", "/items/{id}"}, {"status", 200}, {"duration_us", 1250}});
//
// Misuse: keeping a field. It refers to the text that it was made of, for the one call.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "stack/runtime/context.hpp"

namespace assay::observe {

enum class level : std::uint8_t { debug, info, warn, error };

std::string_view label(level of);

struct field {
  using any = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, std::span<const std::string>>;

  field(std::string_view name, std::string_view text) : key(name), value(text) {}
  field(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  field(std::string_view name, const std::string& text) : key(name), value(std::string_view(text)) {}
  field(std::string_view name, bool yes) : key(name), value(yes) {}
  field(std::string_view name, double number) : key(name), value(number) {}
  field(std::string_view name, std::span<const std::string> list) : key(name), value(list) {}
  template <std::signed_integral T>
  field(std::string_view name, T number) : key(name), value(std::int64_t{number}) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  field(std::string_view name, T number) : key(name), value(std::uint64_t{number}) {}

  std::string_view key;
  any value;
};

// 2026-11-26T02:28:06.123456Z, of nanoseconds since the epoch in UTC.
void append_time(std::string& to, std::int64_t since_epoch_ns);

// ,"key":value; texts longer than `max_value_bytes` are cut and end in U+2026.
void append_field(std::string& to, const field& added, std::size_t max_value_bytes);

}  // namespace assay::observe
