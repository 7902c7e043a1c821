// A parameter of a statement: NULL or text, as PostgreSQL reads it. Statements name their types ($1::bigint) where the
// server cannot infer them.
//
// Misuse: building SQL text out of values. Parameters are never part of the text, so that none can change its meaning.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::data {

class value {
 public:
  value(std::nullptr_t) : null_(true) {}                              // NOLINT(google-explicit-constructor)
  value(std::string text) : text_(std::move(text)) {}                 // NOLINT(google-explicit-constructor)
  value(std::string_view text) : text_(text) {}                       // NOLINT(google-explicit-constructor)
  value(const char* text) : text_(text) {}                            // NOLINT(google-explicit-constructor)
  value(std::same_as<bool> auto truth) : text_(truth ? "t" : "f") {}  // NOLINT(google-explicit-constructor)
  template <class Number>
    requires(std::integral<Number> || std::floating_point<Number>) && (!std::same_as<Number, bool>) &&
            (!std::same_as<Number, char>)
  value(Number number) {  // NOLINT(google-explicit-constructor)
    std::array<char, 32> digits;
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    text_.assign(digits.data(), written.ptr);
  }
  template <class T>
  value(const std::optional<T>& held) {  // NOLINT(google-explicit-constructor)
    if (held) {
      *this = value(*held);
    } else {
      null_ = true;
    }
  }

  bool null() const { return null_; }
  const std::string& text() const { return text_; }
  // PostgreSQL's text has no NUL byte; what holds one cannot be sent.
  bool sendable() const { return text_.find('\0') == std::string::npos; }

 private:
  std::string text_;
  bool null_ = false;
};

template <class... Values>
std::vector<value> values_of(const Values&... each) {
  std::vector<value> values;
  values.reserve(sizeof...(each));
  (values.emplace_back(each), ...);
  return values;
}

}  // namespace assay::data
