// The strict HTTP/1.0 and HTTP/1.1 head parser (RFC 9110, RFC 9112): find where the head ends, then read it.
// Pure functions over contiguous bytes: no I/O, no allocation, no state but the scanner's position.
//
//     head_scanner scanner(head_kind::request, limits);
//     auto head_bytes = scanner.scan(buffer);           // after each read, with all bytes so far
//     if (!head_bytes) refuse(head_bytes.error());      // answer http_status(...), close
//     if (*head_bytes == 0) read_more();
//     auto parsed = parse_request_head(buffer.substr(0, *head_bytes), limits, head);
//     if (!parsed) refuse(parsed.error());              // never go on: the framing is unknown
//
// Where two readings of the bytes are possible the head is refused, because the next hop may take the other
// one: that is request smuggling. Nothing is repaired.
//
// Misuse: parsing on after an error, or skipping to the next line that looks like a request. The bytes that
// follow a refused head are unattributable; answer and close. Misuse: handing scan() only the newest bytes.
// It wants the head from its first byte, every time.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string_view>

#include "stack/http/message.hpp"
#include "stack/http/parse_error.hpp"

namespace assay::http {

struct parse_limits {
  std::size_t max_head_bytes = 64 * 1024;  // start line, fields and the empty line, all CRLFs counted
  std::size_t max_target_bytes = 8 * 1024;
  std::size_t max_header_fields = http::max_header_fields;  // never more than a header_list holds
};

// RFC 9112 section 2.2: a server SHOULD ignore at least one empty line before the request line (old clients
// end a POST body with an extra CRLF). More than these is somebody holding a connection with nothing to say.
inline constexpr std::size_t max_leading_empty_lines = 4;

enum class head_kind : unsigned char { request, response };

// Finds the end of a head that may arrive in pieces, looking at each byte once however small the pieces are.
// Refuses at once what no further byte can make valid: a first byte that starts no message (a TLS hello),
// bare LF, bare CR, NUL, a head beyond max_head_bytes. The verdict does not depend on how the bytes were cut.
class head_scanner {
 public:
  explicit head_scanner(head_kind kind, const parse_limits& limits = {}) noexcept
      : max_head_bytes_(limits.max_head_bytes), kind_(kind) {}

  // The size of the complete head in bytes (with the final empty line, and with empty lines before the request line),
  // or 0: more bytes are needed. `all_bytes` is everything since the first byte of the message: the bytes of the call
  // before, with more behind them (they may have moved in memory). Bytes after the head are not looked at.
  //
  // Having found a head the scanner is ready for the next one. After an error it says the same again until reset(). A
  // request line that alone exceeds max_head_bytes is target_too_long (414), all else is head_too_large (431).
  [[nodiscard]] std::expected<std::size_t, parse_error> scan(std::string_view all_bytes) noexcept;

  // Forget the bytes seen: the next scan() starts a new message.
  void reset() noexcept;

 private:
  [[nodiscard]] std::optional<parse_error> refuse_start(std::string_view bytes) const noexcept;

  std::size_t max_head_bytes_;
  std::size_t scanned_ = 0;     // bytes known to be fine
  std::size_t line_start_ = 0;  // where the line that holds byte scanned_ begins
  std::size_t start_line_ = 0;  // where the start line begins, after empty lines
  head_kind kind_;
};

// Reads one complete head, exactly the bytes scan() measured. On an error `out` is half written and means
// nothing. The views in `out` point into `head`. Reads any bytes safely, whether a scanner saw them or not.
[[nodiscard]] std::expected<void, parse_error> parse_request_head(std::string_view head, const parse_limits& limits,
                                                                  request_head& out) noexcept;

// `request_method` is the method of the request this answers: the answer to HEAD has no body whatever its
// fields say, and after a 2xx to CONNECT the connection is a tunnel (body none, keep_alive false).
[[nodiscard]] std::expected<void, parse_error> parse_response_head(std::string_view head, method request_method,
                                                                   const parse_limits& limits,
                                                                   response_head& out) noexcept;

}  // namespace assay::http
