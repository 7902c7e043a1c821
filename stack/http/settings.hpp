// What a service needs to start: read from the environment before anything else, and the end of it all with one line
// when it is not there.
//
//   const std::string database = http::or_refuse(http::setting("DATABASE_URL"));
//   const http::origin quotes = http::or_refuse(http::origin_of(http::or_refuse(http::setting("QUOTES_URL"))));
//
// Misuse: a setting that is read when it is first needed. A typo is then found by a client.
#pragma once

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <expected>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace assay::http {

inline constexpr int could_not_start = 4;  // the exit code, as that of http::serve

// The variable's text; that of one that is not set or empty is the fallback, and without that a line which names it.
inline std::expected<std::string, std::string> setting(const char* name, const char* fallback = nullptr) {
  const char* const text = std::getenv(name);
  if (text != nullptr && *text != '\0') return text;
  if (fallback != nullptr) return fallback;
  return std::unexpected(std::string(name) + " is not set");
}

// A whole number from 1 to `most`.
inline std::expected<unsigned, std::string> number_setting(const char* name, unsigned fallback, unsigned most) {
  const std::expected<std::string, std::string> text = setting(name, std::to_string(fallback).c_str());
  unsigned number = 0;
  const char* const last = text->data() + text->size();
  const auto [end, failed] = std::from_chars(text->data(), last, number);
  if (failed == std::errc() && end == last && number >= 1 && number <= most) return number;
  return std::unexpected(std::string(name) + " is \"" + *text + "\"; allowed: 1 to " + std::to_string(most));
}

// The same of what may be left out: nullopt where the variable is not set or empty.
inline std::expected<std::optional<unsigned>, std::string> optional_number(const char* name, unsigned most) {
  if (setting(name, "")->empty()) return std::nullopt;
  const std::expected<unsigned, std::string> number = number_setting(name, 1, most);
  if (!number) return std::unexpected(number.error());
  return *number;
}

// The value; or the program ends, and says why.
template <class T>
T or_refuse(std::expected<T, std::string> made) {
  if (made) return std::move(*made);
  std::fprintf(stderr, "%s: %s\n", ::program_invocation_short_name, made.error().c_str());
  std::exit(could_not_start);
}

// optional_number(), or the program ends.
inline std::optional<unsigned> number_or_refuse(const char* name, unsigned most) {
  return or_refuse(optional_number(name, most));
}

}  // namespace assay::http
