#include "stack/http/websocket/violation.hpp"

#include <array>

namespace assay::websocket {
namespace {

struct row {
  std::string_view label;
  std::string_view sentence;
};

// In the order of the enumerators.
constexpr std::array<row, violation_count> rows = {{
    {"reserved_bits", "a reserved bit is set that nothing was agreed about"},
    {"reserved_opcode", "the opcode is reserved"},
    {"fragmented_control", "a control frame is fragmented"},
    {"long_control", "a control frame is longer than 125 bytes"},
    {"length_not_minimal", "the length is not in its shortest form"},
    {"length_too_large", "the length has its highest bit set"},
    {"not_masked", "a client's frame is not masked"},
    {"masked", "a server's frame is masked"},
    {"unexpected_continuation", "a continuation without a message to continue"},
    {"expected_continuation", "a new message before the end of the last"},
    {"invalid_utf8", "text is not UTF-8"},
    {"bad_close_payload", "a close frame of one byte"},
    {"bad_close_code", "a close code that may not be sent"},
    {"bad_deflate", "compressed data is malformed"},
    {"frame_too_large", "the frame is too large"},
    {"message_too_large", "the message is too large"},
}};

}  // namespace

std::string_view describe(violation why) noexcept { return rows[static_cast<std::size_t>(why)].sentence; }

std::string_view label(violation why) noexcept { return rows[static_cast<std::size_t>(why)].label; }

}  // namespace assay::websocket
