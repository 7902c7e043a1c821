// One line of an access log, whatever its format; and the parser of Apache's and nginx's common and combined formats,
// with or without a virtual host first and a request time last.
//
//   [vhost[:port]] address ident user [dd/Mon/yyyy:HH:MM:SS +zzzz] "request" status bytes
//     ["referer" "agent" ["forwarded for"]] [seconds]
//
// The parser is strict: a line is understood as a whole or refused with a named fault. Views point into the line.
//
// Misuse: showing a view to a person other than by outline(); a log holds whatever a client chose to send, secrets too.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lab/learn/line/clock.hpp"

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
  no_match,
  not_json,
  no_field,
  no_header,
  bad_duration,
  bad_record,
  aside,       // a header, a comment, an entry of another kind: no request, and no fault of the file
  unfinished,  // a part of a request that goes on in the next line
};

// For people and for the profile: "line too long".
std::string_view label(line_fault fault);

// Which instant a format's stamp is: of the request's arrival, or of its end, when the line was written.
enum class stamped : std::uint8_t { start, end };

struct access_line {
  std::string_view vhost;    // empty when the format has none
  std::string_view address;  // empty when the format names no client
  std::string_view user;
  log_time stamp{};
  std::chrono::minutes zone{0};      // east of UTC
  std::uint8_t fraction_digits = 0;  // of the stamp's second
  // Without request_time_s it makes no difference, and the default is as good as the other.
  stamped stamp_is = stamped::end;
  // Empty all three when the quoted text is no request line: "-", or the first bytes of a TLS handshake.
  std::string_view method, target, protocol;  // target as logged, escapes inside
  int status = 0;                             // 0: none was sent, or the format does not say
  std::uint64_t bytes = 0;
  bool combined = false;
  std::string_view referer, agent;
  std::string_view forwarded_for;  // as in the format `main` of nginx's own packages: who asked the proxy
  // How long the request took. In the common and combined formats nginx's $request_time alone: a whole number is
  // accepted and ignored there, since Apache's %D and %T look alike.
  std::optional<double> request_time_s;
  std::optional<double> upstream_time_s;       // of it, waited for what is behind; all tries together
  std::optional<std::uint64_t> request_bytes;  // with the head or without, as the format has it
  std::uint64_t on_connection = 0;             // which request of its connection, from 1 on; 0: not logged

  bool operator==(const access_line&) const = default;
};

// When the request began: the stamp, or what lies before it by the time that the request took.
log_time start_of(const access_line& line);

// The last stamp that was read: in a busy log most lines bear that of the line before.
struct stamp_memo {
  std::array<char, 26> text{};  // "17/May/2015:10:05:03 +0000"
  instant value;
};

std::expected<access_line, line_fault> parse_access_line(std::string_view line, stamp_memo& memo);
std::expected<access_line, line_fault> parse_access_line(std::string_view line);
// Without the short way that most lines go: the same, and slower. For tests, which hold the two against each other.
std::expected<access_line, line_fault> parse_any_access_line(std::string_view line);

// Fills method, target and protocol from "GET /x HTTP/1.1", when it is a request line. The target may hold spaces.
void read_request(std::string_view request, access_line& line);

// Undoes the escapes of Apache and nginx: \" \\ \xhh \n \t, and \u00hh of its JSON. Others stay as they are.
std::string unescape(std::string_view logged);

// The form of the first max_sample_bytes of a line without what it says: a for letters, 0 for digits, ? for what is
// not printable, each once for a run of them. "192.0.2.1 - jane [16/Nov" is "0.0.0.0 - a [0/a".
std::string outline(std::string_view text);

}  // namespace assay::learn
