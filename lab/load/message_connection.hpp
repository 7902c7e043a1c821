// One WebSocket of the generator: the handshake, frames out, messages in. It is thinner than the stack's own
// connection, because a generator has tens of thousands: no queue, no compression, no clocks of its own, and nothing
// held between two messages.
//
//   message_connection peer(on, std::move(*stream));
//   co_await peer.shake_hands(head, protocols, limit);
//   peer.send("hello");
//   ... recv() from peer.stream(), and next() until its bytes are used up
//
// Misuse: destroying it without stop(); next() after ended().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/http/websocket/decoder.hpp"
#include "stack/net/writer.hpp"

namespace assay::load {

// A server that reads more slowly than it is sent to is given no more than this; what is due then waits.
inline constexpr std::size_t max_unsent_bytes = 64 * 1024;
inline constexpr std::size_t max_received_bytes = 16 * 1024 * 1024;  // of one message

class message_connection {
 public:
  message_connection(loop& on, net::stream opened)
      : stream_(std::move(opened)),
        writer_(on, stream_, nullptr),
        decoder_(websocket::role::server,
                 {.max_frame_bytes = max_received_bytes, .max_message_bytes = max_received_bytes}, std::nullopt) {}

  // `request` is the head without its last line end and without the key. errc::refused: answered with another status
  // than 101; errc::protocol: not a handshake.
  task<result<void>> shake_hands(std::string_view request, const std::vector<std::string>& protocols, instant limit);
  net::stream& stream() { return stream_; }
  // What came right behind the handshake; once.
  std::string take_early() { return std::exchange(early_, {}); }

  // False: too much has not left yet.
  bool send(std::string_view text);
  // Says that we go; the server is to answer, and to end the connection.
  void say_close();
  // Decodes up to the end of a message, which it gives, or of `bytes`. Pings are answered.
  std::optional<std::string> next(std::string_view& bytes);
  // Why nothing more will come, as far as the protocol says it.
  const std::optional<error>& ended() const { return ended_; }

  task<void> stop() { co_await writer_.stop(); }

 private:
  void append(websocket::opcode what, std::string_view payload);

  net::stream stream_;
  net::writer writer_;
  websocket::message_decoder decoder_;
  std::string early_;
  std::optional<error> ended_;
  bool close_sent_ = false;
};

}  // namespace assay::load
