// Reads the messages of one connection: a head, its body, the next head. Used by the server, the client and
// the load engine.
//
//   result<std::string_view> head = co_await reader.read_head(idle_limit, head_timeout);
//   ... parse_request_head(*head, ...) ...
//   reader.begin_body(parsed.body);
//   while (true) {
//     result<std::string_view> piece = co_await reader.read_body(limit);
//     if (!piece || piece->empty()) break;     // a failure, or the end
//   }
//   reader.next_message();
//
// A head is copied (it must stay while a handler runs); pieces of a body are views into the loop's lent
// buffers.
//
// Misuse: keeping a piece of the body beyond the next read_body(), or a head beyond the next read_head().
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stack/http/chunked.hpp"
#include "stack/http/parser.hpp"
#include "stack/net/stream.hpp"

namespace assay::http {

// errc::protocol with the sentence that describes it.
error protocol_error(parse_error why);

class message_reader {
 public:
  message_reader(net::stream& from, head_kind kind, const parse_limits& limits) : from_(from), scanner_(kind, limits) {}

  // The bytes of the next head. Waits for its first byte until `idle_limit`, then at most `head_timeout` for
  // the rest; duration::max(): for all of it until `idle_limit`. errc::closed with nothing read is the orderly end (see
  // at_message_start()); errc::protocol: see refused().
  task<result<std::string_view>> read_head(instant idle_limit, duration head_timeout);

  // Forgets the message that has been read to its end. Call it between messages.
  void next_message();

  // The body of the head just read follows.
  void begin_body(const body_framing& framing);
  // The next piece, empty at the end of the body. errc::closed: the peer went away before the end.
  task<result<std::string_view>> read_body(instant limit);
  // The same when it is here already; nothing when more must be received.
  std::optional<result<std::string_view>> buffered_body();
  bool body_ended() const { return body_ended_; }
  // The last piece of the body is not needed any more; what is behind it moves into memory of our own.
  void let_go();

  // True when not a byte of the next message has been received.
  bool at_message_start() const { return head_.empty() && chunk_.empty(); }
  // Bytes are here already: perhaps another pipelined message.
  bool has_buffered() const { return !chunk_.empty(); }
  // Moves what was received and not yet handed out into memory of our own, before a long wait for something else: the
  // loop's lent buffers are few, and connections that keep them would starve all others.
  void keep_buffered();
  // Takes what somebody else has received for this reader, while nothing is buffered.
  void add_received(std::string_view bytes);
  // Gives back what was received and will not be read: nothing more comes from this reader.
  void discard_buffered() { chunk_.release(); }
  // The bytes behind the last message, which belong to another protocol: nothing more comes from this reader.
  std::string take_buffered();
  // True when the head of the next message is here in full, or is certain to be refused.
  bool next_head_buffered();
  const std::optional<parse_error>& refused() const { return refused_; }

  // When the bytes that were received last came, of a stamped stream; else lent_buffer::unknown.
  instant received_at() const { return received_at_; }
  // Total received, framing included.
  std::uint64_t received_bytes() const { return received_bytes_; }

 private:
  result<bool> take_head();
  result<std::string_view> refuse(parse_error why);

  void note_arrival(const net::chunk& of);

  net::stream& from_;
  net::chunk chunk_;  // received and not yet used
  std::string kept_;  // where chunk_ points after keep_buffered()
  head_scanner scanner_;
  std::string head_;
  bool head_complete_ = false;
  body_framing framing_;
  chunked_decoder decoder_;
  std::size_t piece_bytes_ = 0;  // handed out, still at the front of chunk_
  bool body_ended_ = true;
  std::optional<parse_error> refused_;
  std::uint64_t received_bytes_ = 0;
  instant received_at_ = lent_buffer::unknown;
};

}  // namespace assay::http
