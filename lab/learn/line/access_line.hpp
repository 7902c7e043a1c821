// One line of an access log, in Apache's and nginx's common and combined formats, with or without a virtual host first
// and a request time last.
//
//   [vhost[:port]] address ident user [dd/Mon/yyyy:HH:MM:SS +zzzz] "request" status bytes
//     ["referer" "agent" ["forwarded for"]] [seconds]
//
// The parser is strict: a line is understood as a whole or refused with a named fault. Views point into the line.
//
// Misuse: showing a view to a person without printable(); a log holds whatever a client chose to send.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace assay::learn {

inline constexpr std::size_t max_line_bytes = 64 * 1024;
inline constexpr std::size_t max_sample_bytes = 120;

enum class line_fault : std::uint8_t {
  empty,
  too_long,
  nul_byte,
  no_address,
  no_stamp,
  bad_stamp,
  no_request,
  open_quote,
  bad_status,
  bad_size,
  unknown_tail,
  cut_short,
};

// For people and for the profile: "line too long".
std::string_view label(line_fault fault);

struct access_line {
  std::string_view vhost;  // empty when the format has none
  std::string_view address;
  std::string_view user;
  std::chrono::sys_seconds stamp{};
  std::chrono::minutes zone{0};  // east of UTC
  // Empty all three when the quoted text is no request line: "-", or the first bytes of a TLS handshake.
  std::string_view method, target, protocol;  // target as logged, escapes inside
  int status = 0;
  std::uint64_t bytes = 0;
  bool combined = false;
  std::string_view referer, agent;
  std::string_view forwarded_for;  // as in the format `main` of nginx's own packages: who asked the proxy
  // nginx's $request_time. A whole number is accepted and ignored: Apache's %D and %T look alike.
  std::optional<double> request_time_s;
};

std::expected<access_line, line_fault> parse_access_line(std::string_view line);

// Undoes the escapes of Apache and nginx: \" \\ \xhh \n \t. Others stay as they are.
std::string unescape(std::string_view logged);

// At most max_sample_bytes of `text` in printable ASCII, '?' for the rest.
std::string printable(std::string_view text);

}  // namespace assay::learn
