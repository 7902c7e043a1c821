// Close codes and the payload of Close frames (RFC 6455 sections 5.5.1 and 7.4).
//
//   close_frame said;                                  // what the peer gave as its reason
//   if (const auto why = parse_close(payload, said)) ...
//
// Misuse: sending a code that only describes what happened here. 1005, 1006 and 1015 are never on the wire: 1005 stands
// for a Close frame without a code, 1006 for a connection that ended without one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stack/http/websocket/violation.hpp"

namespace assay::websocket {

// Any number of 3000 to 4999 besides: static_cast<close_code>(4001).
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_code = 1005,   // never sent: the frame held none
  abnormal = 1006,  // never sent: there was no frame
  invalid_data = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  extension_missing = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};

// Whether it may stand in a Close frame: registered for that (IANA), or of the ranges for libraries and applications.
[[nodiscard]] bool may_be_sent(close_code code) noexcept;

// What a peer is told that broke a rule.
[[nodiscard]] close_code code_for(violation why) noexcept;

inline constexpr std::size_t max_close_reason_bytes = 123;

struct close_frame {
  close_code code = close_code::no_code;
  std::string reason = {};  // UTF-8, at most max_close_reason_bytes
};

// nullopt: accepted, `out` is set.
[[nodiscard]] std::optional<violation> parse_close(std::string_view payload, close_frame& out);

// The payload to send; with no_code it is empty. A reason that is too long is cut between two characters, and one that
// is not UTF-8 is left out. `code` must be no_code or may_be_sent().
[[nodiscard]] std::string close_payload(close_code code, std::string_view reason);

}  // namespace assay::websocket
