// From received bytes to messages and control frames: no I/O, no clock, nothing that is not bounded.
//
//   message_decoder decoder({.from = role::client}, limits, agreed);
//   while (!bytes.empty()) {
//     const decoded step = decoder.feed(bytes);
//     bytes.remove_prefix(step.consumed);
//     switch (step.what) ...                  // a message, a ping, a close, a violation; or more is needed
//   }
//
// Text is checked as it arrives, whatever it is cut into; what is refused is refused at the first byte that decides it.
// Between messages it holds no memory but itself.
//
// Misuse: keeping `control` beyond the next feed(), or feeding on after a violation or a close.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stack/http/websocket/deflate.hpp"
#include "stack/http/websocket/frame.hpp"
#include "stack/http/websocket/utf8.hpp"

namespace assay::websocket {

enum class message_kind : std::uint8_t { text, binary };

struct message {
  message_kind kind = message_kind::text;
  std::string payload = {};  // of text: valid UTF-8
};

struct message_limits {
  std::size_t max_frame_bytes = 1024 * 1024;
  std::size_t max_message_bytes = 1024 * 1024;  // all fragments together, and after decompression
};

struct decoded {
  enum class kind : std::uint8_t { need_more, message, ping, pong, close, violation };
  kind what = kind::need_more;
  std::size_t consumed = 0;
  std::string_view control = {};  // the payload of a ping, a pong or a close
  violation why{};
};

class message_decoder {
 public:
  message_decoder(role from, const message_limits& limits, const std::optional<deflate_agreement>& deflate)
      : limits_(limits), rules_{.from = from, .compression = deflate.has_value()} {
    if (!deflate) return;
    window_bits_ = static_cast<std::uint8_t>(deflate->receive_window_bits);
    keeps_context_ = deflate->receive_takeover;
  }

  // Takes bytes until something is complete; need_more has consumed everything.
  [[nodiscard]] decoded feed(std::string_view bytes);
  // After kind::message; once.
  [[nodiscard]] message take_message();

  // Nothing has been received of a message that is not complete yet.
  [[nodiscard]] bool between_messages() const { return !in_message_ && !in_payload_ && head_bytes_ == 0; }

 private:
  std::size_t take_header(std::string_view bytes, decoded& step);
  std::optional<violation> begin_frame();
  std::size_t take_payload(std::string_view bytes, decoded& step);
  std::optional<violation> take_data(std::string_view bytes);
  std::optional<violation> inflate(std::string_view bytes);
  std::optional<violation> inflate_masked(std::string_view bytes);
  std::optional<violation> check_text(std::size_t from);
  std::optional<violation> end_message();
  void end_frame(decoded& step);

  message_limits limits_;
  frame_rules rules_;
  std::uint8_t window_bits_ = 0;  // of what is decompressed
  bool keeps_context_ = false;
  message_kind kind_ = message_kind::text;
  bool in_payload_ = false;  // of the frame in header_
  bool in_message_ = false;  // its first frame has begun
  bool compressed_ = false;  // the message is
  std::uint8_t head_bytes_ = 0;
  std::uint8_t control_bytes_ = 0;
  utf8_checker text_;
  std::array<char, max_frame_header_bytes> head_;
  std::unique_ptr<std::array<char, max_control_bytes>> control_;
  frame_header header_;
  std::uint64_t done_bytes_ = 0;  // of the frame's payload
  std::uint64_t wire_bytes_ = 0;  // of a compressed message, before it is decompressed
  std::string payload_;
  std::unique_ptr<inflater> inflater_;
};

}  // namespace assay::websocket
