// Compressing and decompressing messages (RFC 7692), with a bound on what a message may become.
//
//   inflater in(agreed.receive_window_bits);
//   const auto added = in.add(payload, message, limits.max_message_bytes);   // each piece, as it comes
//   const auto ended = in.end_message(message, limits.max_message_bytes);
//
// Off by default, and without a kept context when on. A kept context costs each connection its windows for as long as
// it lives (44 KiB with windows of 4 KiB, 300 KiB with the usual 32 KiB), which is more than everything else about it
// by far; and secrets beside text that somebody else chooses can be guessed from the size of what is compressed
// together (CRIME, BREACH), most easily across messages. Without it, memory is needed while a message is being read or
// written.
//
// Misuse: a limit on the compressed size alone. Deflate turns 1 KiB into 1 MiB.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "stack/http/websocket/violation.hpp"

struct z_stream_s;

namespace assay::websocket {

struct deflate_options {
  bool enabled = false;
  bool context_takeover = false;  // keep a window between messages, ours and the peer's
  int max_window_bits = 12;       // 9 to 15, of both directions where the peer lets us: 2^12 is 4 KiB
  int level = 6;                  // zlib's, 1 to 9
  std::size_t least_bytes = 128;  // shorter messages go as they are; at least 1
};

// What both sides have agreed on.
struct deflate_agreement {
  int send_window_bits = 15;
  int receive_window_bits = 15;
  bool send_takeover = false;
  bool receive_takeover = false;
};

// The smallest window that zlib compresses with. A peer may demand 8: then we send everything as it is.
inline constexpr int least_deflate_window_bits = 9;

class inflater {
 public:
  // 8 to 15. A stream that reaches further back than that breaks what was agreed on; whether it is refused depends on
  // where its pieces are cut, because zlib looks into what it has just put out before it looks into the window.
  explicit inflater(int window_bits);
  ~inflater();
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  // Appends what `compressed` decompresses to. message_too_large as soon as `out` exceeds max_bytes (it is then one
  // byte larger), bad_deflate when it is malformed.
  [[nodiscard]] std::expected<void, violation> add(std::string_view compressed, std::string& out,
                                                   std::size_t max_bytes);
  // After the last piece.
  [[nodiscard]] std::expected<void, violation> end_message(std::string& out, std::size_t max_bytes);

 private:
  bool begin_again();

  std::unique_ptr<z_stream_s> stream_;
  int final_blocks_ = 0;  // of this message
};

class deflater {
 public:
  deflater(int window_bits, int level);  // 9 to 15, 1 to 9
  ~deflater();
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;

  // Appends a whole message, which must not be empty.
  void add(std::string_view message, std::string& out);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

}  // namespace assay::websocket
