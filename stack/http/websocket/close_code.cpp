#include "stack/http/websocket/close_code.hpp"

#include <cassert>

#include "stack/http/websocket/utf8.hpp"

namespace assay::websocket {

bool may_be_sent(close_code code) noexcept {
  const auto number = static_cast<unsigned>(code);
  if (number >= 3000 && number <= 4999) return true;
  return number >= 1000 && number <= 1014 && (number < 1004 || number > 1006);
}

close_code code_for(violation why) noexcept {
  switch (why) {
    case violation::invalid_utf8:
    case violation::bad_deflate:
      return close_code::invalid_data;
    case violation::frame_too_large:
    case violation::message_too_large:
      return close_code::message_too_big;
    default:
      return close_code::protocol_error;
  }
}

std::optional<violation> parse_close(std::string_view payload, close_frame& out) {
  out = {};
  if (payload.empty()) return std::nullopt;
  if (payload.size() == 1) return violation::bad_close_payload;
  const auto high = static_cast<unsigned char>(payload[0]);
  const auto low = static_cast<unsigned char>(payload[1]);
  const auto code = static_cast<close_code>(high << 8 | low);
  if (!may_be_sent(code)) return violation::bad_close_code;
  if (!is_utf8(payload.substr(2))) return violation::invalid_utf8;
  out = {.code = code, .reason = std::string(payload.substr(2))};
  return std::nullopt;
}

std::string close_payload(close_code code, std::string_view reason) {
  if (code == close_code::no_code) return {};
  assert(may_be_sent(code) && "this code is never on the wire");
  const auto number = static_cast<unsigned>(code);
  std::string payload = {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
  if (!is_utf8(reason)) return payload;
  if (reason.size() > max_close_reason_bytes) {
    std::size_t end = max_close_reason_bytes;
    while ((static_cast<unsigned char>(reason[end]) & 0xc0) == 0x80) end--;  // in the middle of a character
    reason = reason.substr(0, end);
  }
  return payload.append(reason);
}

}  // namespace assay::websocket
