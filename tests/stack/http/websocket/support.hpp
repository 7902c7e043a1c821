// Frames as text, both ways, so that a test reads as what goes over the wire:
//
//   from_client(opcode::text, "hello")                    bytes that a client sends, masked
//   frames_in(bytes)  ==  {"text hello", "close 1000"}    what a server has sent
//
// Misuse: payloads with spaces at their ends in what frames_in() gives; they are not quoted.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/websocket/decoder.hpp"
#include "stack/http/websocket/frame.hpp"

namespace assay::websocket {

// So that a failed comparison names them.
inline void PrintTo(violation why, std::ostream* out) { *out << label(why); }

namespace testing {

using std::string_view_literals::operator""sv;

inline constexpr bool not_last = false;

std::string from_client(opcode what, std::string_view payload, bool last = true);
std::string from_server(opcode what, std::string_view payload, bool last = true);
// With RSV1: `payload` is compressed already.
std::string compressed_from_client(opcode what, std::string_view payload, bool last = true);
// With a Close's code and reason.
std::string close_from_client(unsigned code, std::string_view reason = {});
std::string close_from_server(unsigned code, std::string_view reason = {});

// Bytes in hexadecimal, with spaces between them where they help.
std::string bytes_of(std::string_view hex);

// Each frame as "text hello", "ping", "close 1000 bye", "text+ first part" when more fragments follow, "text* ..." when
// it is compressed. A malformed frame, or one that is cut short, ends the list with "bad" or "cut".
std::vector<std::string> frames_in(std::string_view bytes, role from = role::server);

// What a decoder makes of `bytes`, fed in pieces of `piece_bytes`, 0: all at once. Up to and including a violation,
// which is "violation label", or a Close.
std::vector<std::string> events_of(std::string_view bytes, std::size_t piece_bytes = 0,
                                   const message_limits& limits = {},
                                   const std::optional<deflate_agreement>& deflate = {}, role from = role::client);

// Where the decoder refuses: how many bytes of `bytes` it has taken by then, one by one; 0 when it does not refuse.
std::size_t refused_after(std::string_view bytes);

}  // namespace testing
}  // namespace assay::websocket
