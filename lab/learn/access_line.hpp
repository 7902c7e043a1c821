// One line of an access log in common or combined format, as Apache and nginx write them, parsed strictly:
//
//   host ident user [dd/Mon/yyyy:HH:MM:SS +zzzz] "METHOD target PROTOCOL" status bytes ["referer" "agent"] [seconds]
//
// A virtual host in front of it (Apache's %v or %v:%p) and the time that the request took behind it ($request_time)
// are accepted. A line that is not this is refused with one of a few named reasons, never guessed at.
//
// Misuse: keeping an access_line beyond the line it was parsed from; its fields are views into it.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace assay::learn {

enum class refusal : std::uint8_t {
  too_long,
  control_bytes,  // NUL and others that no server writes unescaped
  no_timestamp,   // no [time] after host, ident and user
  bad_timestamp,  // there is one, and it is no date
  no_request,     // no quoted request line behind the time
  empty_request,  // "-": a connection without a request, TLS on a plain port
  bad_request,    // not METHOD target [PROTOCOL]
  bad_status,
  bad_bytes,
  trailing_text,  // more behind the fields than the format has
  cut,            // the line ends within a field
};
inline constexpr std::size_t refusals = 11;
std::string_view label(refusal why);

struct access_line {
  std::string_view host;
  std::chrono::sys_seconds at{};
  std::string_view method;
  std::string_view target;
  int status = 0;
  std::uint64_t bytes = 0;
  std::string_view agent;            // empty in common format
  std::optional<double> duration_s;  // $request_time
  bool combined = false;
};

std::expected<access_line, refusal> parse_access_line(std::string_view line);

}  // namespace assay::learn
