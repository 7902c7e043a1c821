#include "stack/http/parse_error.hpp"

#include <array>
#include <cassert>
#include <cstddef>

namespace assay::http {
namespace {

struct error_row {
  parse_error error;
  int status;
  std::string_view label;
  std::string_view sentence;
};

using enum parse_error;

constexpr std::array<error_row, parse_error_count> rows = {{
    {too_many_empty_lines, 400, "too_many_empty_lines", "too many empty lines before the request line"},
    {bad_method, 400, "bad_method", "the request line does not begin with a method and one space"},
    {bad_target, 400, "bad_target", "the request target is in no form that is valid for the method"},
    {target_too_long, 414, "target_too_long", "the request target is longer than the limit"},
    {bad_version, 400, "bad_version", "the start line has no well-formed HTTP version where one must be"},
    {unsupported_version, 505, "unsupported_version", "the version is neither HTTP/1.0 nor HTTP/1.1"},
    {bad_status, 502, "bad_status", "the status is not three digits from 100 to 999 set off by one space"},
    {bad_reason, 502, "bad_reason", "the reason phrase contains a control byte"},
    {bare_lf, 400, "bare_lf", "a line ends in LF without CR"},
    {bare_cr, 400, "bare_cr", "a CR is not followed by LF"},
    {nul_byte, 400, "nul_byte", "there is a NUL byte"},
    {bad_header_name, 400, "bad_header_name", "a header name is empty or contains a byte that no name may contain"},
    {bad_header_value, 400, "bad_header_value", "a header value contains a control byte"},
    {space_before_colon, 400, "space_before_colon", "there is whitespace between a header name and its colon"},
    {obs_fold, 400, "obs_fold", "a header line begins with whitespace"},
    {too_many_headers, 431, "too_many_headers", "there are more header fields than the limit"},
    {head_too_large, 431, "head_too_large", "the head is larger than the limit"},
    {incomplete_head, 400, "incomplete_head", "the bytes are not exactly one complete head"},
    {missing_host, 400, "missing_host", "an HTTP/1.1 request has no Host field"},
    {duplicate_host, 400, "duplicate_host", "there is more than one Host field"},
    {bad_host, 400, "bad_host", "the Host field is not a host with an optional port"},
    {bad_content_length, 400, "bad_content_length", "Content-Length is not a decimal number below 2^63"},
    {conflicting_content_length, 400, "conflicting_content_length",
     "there is more than one Content-Length value, equal or not"},
    {content_length_and_transfer_encoding, 400, "content_length_and_transfer_encoding",
     "both Content-Length and Transfer-Encoding are present"},
    {unknown_transfer_encoding, 501, "unknown_transfer_encoding",
     "Transfer-Encoding is something else than one single chunked"},
    {transfer_encoding_in_http_1_0, 400, "transfer_encoding_in_http_1_0",
     "Transfer-Encoding is present in an HTTP/1.0 message"},
    {bad_chunk_size, 400, "bad_chunk_size", "a chunk size is not a plain hexadecimal number"},
    {chunk_size_too_large, 400, "chunk_size_too_large", "a chunk size has more than 15 significant digits"},
    {chunk_line_too_long, 400, "chunk_line_too_long", "a chunk-size line is longer than the limit"},
    {bad_chunk_extension, 400, "bad_chunk_extension", "a chunk extension has no name or contains a control byte"},
    {chunk_extensions_too_large, 400, "chunk_extensions_too_large",
     "the chunk extensions of one body are larger than the limit"},
    {bad_chunk_end, 400, "bad_chunk_end", "the data of a chunk is not followed by CRLF"},
    {trailers_too_large, 431, "trailers_too_large", "the trailer fields are larger than the limit"},
}};

// A row for each enumerator, in the order of the enumerators.
constexpr bool rows_are_in_order() {
  for (std::size_t index = 0; index < rows.size(); ++index) {
    if (static_cast<std::size_t>(rows[index].error) != index) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

const error_row& row_of(parse_error error) noexcept {
  assert(static_cast<std::size_t>(error) < rows.size());
  return rows[static_cast<std::size_t>(error)];
}

}  // namespace

std::string_view describe(parse_error error) noexcept { return row_of(error).sentence; }
std::string_view label(parse_error error) noexcept { return row_of(error).label; }
int http_status(parse_error error) noexcept { return row_of(error).status; }

}  // namespace assay::http
