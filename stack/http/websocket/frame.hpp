// One WebSocket frame's header, to bytes and back (RFC 6455 section 5.2), and the masking of its payload.
//
//   frame_header header;
//   const auto size = parse_frame_header(bytes, {.from = role::client}, header);
//   if (!size) fail(size.error());
//   if (*size == 0) read_more();              // as much as is here is fine
//
// Misuse: unmasking a payload in pieces from offset 0 each. The offset counts from the payload's first byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "stack/http/websocket/violation.hpp"

namespace assay::websocket {

enum class role : std::uint8_t { client, server };

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(opcode what) noexcept { return (static_cast<unsigned>(what) & 8U) != 0; }

inline constexpr std::size_t max_frame_header_bytes = 14;
inline constexpr std::size_t max_control_bytes = 125;

using mask_key = std::array<char, 4>;

struct frame_header {
  bool last = true;         // FIN: the message ends with this frame
  bool compressed = false;  // RSV1, when permessage-deflate was agreed on
  opcode what = opcode::text;
  bool masked = false;
  mask_key key{};
  std::uint64_t length = 0;  // of the payload, in bytes
};

struct frame_rules {
  role from = role::client;  // who sends: a client masks, a server does not
  bool compression = false;  // RSV1 may stand on the first frame of a message
};

// The header's size in bytes, or 0: more are needed. Refuses at once what no further byte can make valid.
[[nodiscard]] std::expected<std::size_t, violation> parse_frame_header(std::string_view bytes, const frame_rules& rules,
                                                                       frame_header& out) noexcept;

// The header in its shortest form.
void append_frame_header(std::string& to, const frame_header& header);

// Header and payload, which is masked when the header says so. `header.length` is set from the payload.
void append_frame(std::string& to, frame_header header, std::string_view payload);

// Masks, or unmasks: it is the same. `offset` is that of the first byte in its frame's payload.
void apply_mask(std::span<char> bytes, const mask_key& key, std::uint64_t offset) noexcept;

}  // namespace assay::websocket
