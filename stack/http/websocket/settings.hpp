// What both sides of a WebSocket can be set to: limits, deadlines, compression. All are finite.
//
// A program that reads them from a user calls check() and prints the text; endpoint and connect() abort on what is
// wrong.
//
// Misuse: pong_timeout near the time a message of max_message_bytes takes on a slow line. The pong stands behind what
// the peer is sending.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "stack/http/websocket/close_code.hpp"
#include "stack/http/websocket/decoder.hpp"
#include "stack/runtime/time.hpp"

namespace assay::websocket {

// What becomes of a message that finds the queue of unsent ones full, because the peer reads too slowly.
enum class slow_reader : std::uint8_t {
  wait,   // send() waits for room: whoever produces is slowed down
  skip,   // this message is dropped and counted: for what the next one makes stale
  close,  // the connection ends with `slow_code`: for peers that may not miss any, and can come back
};

struct settings {
  message_limits messages = {};
  deflate_options deflate = {};
  std::size_t max_queued_bytes = 2 * 1024 * 1024;  // not yet with the kernel; no larger message can be sent
  std::size_t max_queued_messages = 1024;
  slow_reader when_slow = slow_reader::wait;
  close_code slow_code = close_code::try_again_later;   // or policy_violation
  duration write_timeout = std::chrono::seconds(30);    // until the peer has taken what is in flight
  duration message_timeout = std::chrono::seconds(30);  // from a message's first byte to its last
  duration ping_interval = std::chrono::seconds(30);    // of silence, then the peer is asked for a sign of life
  duration pong_timeout = std::chrono::seconds(20);     // and has so long to give one
  duration idle_timeout = std::chrono::hours(1);        // without a message either way
  duration close_timeout = std::chrono::seconds(5);     // for the peer's answer to our Close; a client's as well for
                                                        // the server to end the connection below
};

// Nothing, or a line for each that is out of range; between the lines a line feed.
[[nodiscard]] std::expected<void, std::string> check(const settings& given);

}  // namespace assay::websocket
