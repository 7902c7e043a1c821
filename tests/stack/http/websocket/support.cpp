#include "tests/stack/http/websocket/support.hpp"

#include "stack/http/chars.hpp"
#include "stack/http/websocket/close_code.hpp"

namespace assay::websocket::testing {
namespace {

constexpr mask_key test_key = {'\x37', '\xfa', '\x21', '\x3d'};  // of the examples in RFC 6455 section 5.7

std::string a_frame(frame_header header, std::string_view payload) {
  std::string bytes;
  append_frame(bytes, header, payload);
  return bytes;
}

std::string close_payload_of(unsigned code, std::string_view reason) {
  std::string payload = {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return payload.append(reason);
}

std::string_view name_of(opcode what) {
  switch (what) {
    case opcode::continuation:
      return "continuation";
    case opcode::text:
      return "text";
    case opcode::binary:
      return "binary";
    case opcode::close:
      return "close";
    case opcode::ping:
      return "ping";
    case opcode::pong:
      return "pong";
  }
  return "unknown";
}

std::string with_payload(std::string name, std::string_view payload) {
  return payload.empty() ? name : name.append(" ").append(payload);
}

std::string close_as_text(std::string_view payload) {
  close_frame said;
  if (const auto why = parse_close(payload, said)) return "close " + std::string(label(*why));
  if (said.code == close_code::no_code) return "close";
  return with_payload("close " + std::to_string(static_cast<unsigned>(said.code)), said.reason);
}

std::string as_text(const frame_header& header, std::string_view payload) {
  if (header.what == opcode::close) return close_as_text(payload);
  std::string name(name_of(header.what));
  if (header.compressed) name += '*';
  if (!header.last) name += '+';
  return with_payload(name, payload);
}

std::string event_as_text(message_decoder& decoder, const decoded& step) {
  switch (step.what) {
    case decoded::kind::need_more:
      return "need more";
    case decoded::kind::message: {
      const message got = decoder.take_message();
      return with_payload(got.kind == message_kind::text ? "text" : "binary", got.payload);
    }
    case decoded::kind::ping:
      return with_payload("ping", step.control);
    case decoded::kind::pong:
      return with_payload("pong", step.control);
    case decoded::kind::close:
      return close_as_text(step.control);
    case decoded::kind::violation:
      return "violation " + std::string(label(step.why));
  }
  return "unknown";
}

}  // namespace

std::string from_client(opcode what, std::string_view payload, bool last) {
  return a_frame({.last = last, .what = what, .masked = true, .key = test_key}, payload);
}

std::string from_server(opcode what, std::string_view payload, bool last) {
  return a_frame({.last = last, .what = what}, payload);
}

std::string compressed_from_client(opcode what, std::string_view payload, bool last) {
  return a_frame({.last = last, .compressed = true, .what = what, .masked = true, .key = test_key}, payload);
}

std::string close_from_client(unsigned code, std::string_view reason) {
  return from_client(opcode::close, close_payload_of(code, reason));
}

std::string close_from_server(unsigned code, std::string_view reason) {
  return from_server(opcode::close, close_payload_of(code, reason));
}

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    const int digit = http::detail::hex_value(c);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      bytes.push_back(static_cast<char>(high << 4 | digit));
      high = -1;
    }
  }
  return bytes;
}

std::vector<std::string> frames_in(std::string_view bytes, role from) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    frame_header header;
    const auto size = parse_frame_header(bytes, {.from = from, .compression = true}, header);
    if (!size) {
      frames.emplace_back("bad");
      return frames;
    }
    if (*size == 0 || header.length > bytes.size() - *size) {
      frames.emplace_back("cut");
      return frames;
    }
    std::string payload(bytes.substr(*size, header.length));
    if (header.masked) apply_mask(payload, header.key, 0);
    frames.push_back(as_text(header, payload));
    bytes.remove_prefix(*size + header.length);
  }
  return frames;
}

std::vector<std::string> events_of(std::string_view bytes, std::size_t piece_bytes, const message_limits& limits,
                                   const std::optional<deflate_agreement>& deflate, role from) {
  message_decoder decoder(from, limits, deflate);
  std::vector<std::string> events;
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, piece_bytes == 0 ? bytes.size() : piece_bytes));
    const decoded step = decoder.feed(piece);
    EXPECT_GT(step.consumed, 0U);
    bytes.remove_prefix(step.consumed);
    if (step.what == decoded::kind::need_more) continue;
    events.push_back(event_as_text(decoder, step));
    if (step.what == decoded::kind::violation || step.what == decoded::kind::close) break;
  }
  return events;
}

std::size_t refused_after(std::string_view bytes) {
  message_decoder decoder(role::client, {}, std::nullopt);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (decoder.feed(bytes.substr(at, 1)).what == decoded::kind::violation) return at + 1;
  }
  return 0;
}

}  // namespace assay::websocket::testing
