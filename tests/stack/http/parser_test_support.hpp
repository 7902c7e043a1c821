// What the parser tests share: a table row, and the way from bytes to a verdict that a server takes (scan, then parse).
//
// Misuse: giving a row a head without its final empty line. The scanner then wants more, and the row's
// verdict is incomplete_head whatever the row was about.
#pragma once

#include <gtest/gtest.h>

#include <expected>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "stack/http/parser.hpp"

namespace assay::http {

// So that a failed comparison names the reasons.
inline void PrintTo(parse_error error, std::ostream* out) { *out << label(error); }

namespace testing_support {

using std::string_view_literals::operator""sv;

struct refused_row {
  std::string_view name;  // CamelCase, the name of the attack
  std::string_view text;
  parse_error error;
};

inline void PrintTo(const refused_row& row, std::ostream* out) { *out << row.name; }

struct row_name {
  template <typename Row>
  std::string operator()(const ::testing::TestParamInfo<Row>& info) const {
    return std::string(info.param.name);
  }
};

// nullopt: accepted. A head the scanner wants more of is incomplete_head.
inline std::optional<parse_error> request_verdict(std::string_view text, request_head& out,
                                                  const parse_limits& limits = {}) {
  head_scanner scanner(head_kind::request, limits);
  const auto head_bytes = scanner.scan(text);
  if (!head_bytes) return head_bytes.error();
  const auto parsed = parse_request_head(text.substr(0, *head_bytes), limits, out);
  return parsed ? std::nullopt : std::optional(parsed.error());
}

inline std::optional<parse_error> response_verdict(std::string_view text, response_head& out,
                                                   method request_method = method::get,
                                                   const parse_limits& limits = {}) {
  head_scanner scanner(head_kind::response, limits);
  const auto head_bytes = scanner.scan(text);
  if (!head_bytes) return head_bytes.error();
  const auto parsed = parse_response_head(text.substr(0, *head_bytes), request_method, limits, out);
  return parsed ? std::nullopt : std::optional(parsed.error());
}

// What scan() says when the bytes arrive one at a time; 0 when it still wants more at the end.
inline std::expected<std::size_t, parse_error> scan_byte_by_byte(head_kind kind, std::string_view text,
                                                                 const parse_limits& limits = {}) {
  head_scanner scanner(kind, limits);
  std::expected<std::size_t, parse_error> verdict = 0;
  for (std::size_t seen = 1; seen <= text.size() && verdict && *verdict == 0; ++seen) {
    verdict = scanner.scan(text.substr(0, seen));
  }
  return verdict;
}

}  // namespace testing_support
}  // namespace assay::http
