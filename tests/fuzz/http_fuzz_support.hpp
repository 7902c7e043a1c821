// Properties that hold for requests and responses alike, whatever the bytes.
//
// Misuse: calling agreed_head_bytes() with bytes that are no exact copy; the sanitizer then sees no overread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "stack/http/parser.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace assay::fuzz {

// Scans once in one piece and once in pieces that depend on the input, and insists on one verdict.
inline std::expected<std::size_t, http::parse_error> agreed_head_bytes(http::head_kind kind,
                                                                       const http::parse_limits& limits,
                                                                       std::string_view bytes) {
  http::head_scanner whole(kind, limits);
  const auto verdict = whole.scan(bytes);
  http::head_scanner pieces(kind, limits);
  cutter cuts(bytes);
  std::expected<std::size_t, http::parse_error> in_pieces = 0;
  for (std::size_t seen = 0; seen < bytes.size() && in_pieces && *in_pieces == 0;) {
    seen += cuts.next(bytes.size() - seen);
    const exact_copy so_far(bytes.substr(0, seen));
    in_pieces = pieces.scan(so_far.view());
  }
  if (!bytes.empty()) check(in_pieces == verdict, "a scan in pieces says the same as a scan in one piece");
  if (verdict && *verdict != 0) {
    check(*verdict <= bytes.size(), "the head is not larger than the bytes");
    check(*verdict <= limits.max_head_bytes, "the head is within its limit");
    check(bytes.substr(0, *verdict).ends_with("\r\n\r\n"), "the head ends with an empty line");
  }
  return verdict;
}

inline void check_headers(const http::header_list& headers, std::string_view head) {
  for (const http::header_field& field : headers) {
    check(!field.name.empty() && lies_inside(field.name, head), "a name lies inside the head");
    check(lies_inside(field.value, head), "a value lies inside the head");
    check(field.name.find_first_of(" \t\r\n:") == std::string_view::npos, "a name is a token");
    check(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos, "a value is one line");
    check(headers.find(field.name).has_value(), "a field is found by its name");
  }
}

inline void check_one_framing(const http::header_list& headers) {
  const std::size_t lengths = headers.count("content-length");
  const std::size_t codings = headers.count("transfer-encoding");
  check(lengths + codings <= 1, "at most one field that frames the body is accepted");
}

inline void check_same_headers(const http::header_list& left, const http::header_list& right) {
  check(left.size() == right.size(), "as many fields after writing and reading again");
  for (std::size_t index = 0; index < left.size(); ++index) {
    check(left[index].name == right[index].name, "the same name after writing and reading again");
    check(left[index].value == right[index].value, "the same value after writing and reading again");
  }
}

inline void write_headers(const http::header_list& headers, std::string& out) {
  for (const http::header_field& field : headers) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace assay::fuzz
