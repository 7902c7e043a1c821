// Why a WebSocket peer's bytes were refused: one enumerator a reason. Each maps one to one to a sentence (for a log,
// and for the peer in its Close frame), a label (for a metric) and a close code.
//
// Misuse: reading on after a violation. Where the next frame begins is not known any more: say why, and close.
#pragma once

#include <cstdint>
#include <string_view>

namespace assay::websocket {

enum class violation : std::uint8_t {
  // A frame by itself.
  reserved_bits,
  reserved_opcode,
  fragmented_control,
  long_control,
  length_not_minimal,
  length_too_large,
  not_masked,
  masked,
  // Frames in their order.
  unexpected_continuation,
  expected_continuation,
  // Content.
  invalid_utf8,
  bad_close_payload,
  bad_close_code,
  bad_deflate,
  // Limits.
  frame_too_large,
  message_too_large,
};

inline constexpr int violation_count = static_cast<int>(violation::message_too_large) + 1;

// A literal: it ends with a NUL. Without the final full stop.
[[nodiscard]] std::string_view describe(violation why) noexcept;

// snake_case, stable: the value of a metric label or of a log field.
[[nodiscard]] std::string_view label(violation why) noexcept;

}  // namespace assay::websocket
