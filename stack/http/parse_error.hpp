// Why a message was refused: one enumerator a reason, shared by the head parser and the chunked decoder. A
// reason maps one to one to a sentence (for a log), a label (for a metric) and a status (for the answer).
//
// Misuse: echoing the refused bytes in the answer next to the reason. The sentence is a constant on purpose:
// whoever sent a malformed head chose its bytes, and a log or an error page is where they want them.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::http {

enum class parse_error : std::uint8_t {
  // Start line of a request.
  too_many_empty_lines,
  bad_method,
  bad_target,
  target_too_long,
  bad_version,
  unsupported_version,
  // Status line of a response.
  bad_status,
  bad_reason,
  // Bytes that are wrong wherever they are.
  bare_lf,
  bare_cr,
  nul_byte,
  // Field lines (of heads and of trailers).
  bad_header_name,
  bad_header_value,
  space_before_colon,
  obs_fold,
  too_many_headers,
  head_too_large,
  incomplete_head,
  // Host.
  missing_host,
  duplicate_host,
  bad_host,
  // Framing of the body.
  bad_content_length,
  conflicting_content_length,
  content_length_and_transfer_encoding,
  unknown_transfer_encoding,
  transfer_encoding_in_http_1_0,
  // Chunked body.
  bad_chunk_size,
  chunk_size_too_large,
  chunk_line_too_long,
  bad_chunk_extension,
  chunk_extensions_too_large,
  bad_chunk_end,
  trailers_too_large,
};

inline constexpr int parse_error_count = static_cast<int>(parse_error::trailers_too_large) + 1;

// A sentence for people, without the final full stop.
[[nodiscard]] std::string_view describe(parse_error error) noexcept;

// snake_case, stable: the value of a metric label or of a log field.
[[nodiscard]] std::string_view label(parse_error error) noexcept;

// What a server answers before it closes: 400, 414, 431, 501 or 505 (RFC 9110 sections 15.5 and 15.6, RFC
// 6585). 502 for what only a response can get wrong: that is what a gateway owes its own client then.
[[nodiscard]] int http_status(parse_error error) noexcept;

}  // namespace assay::http
