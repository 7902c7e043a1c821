#include "stack/http/websocket/decoder.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace assay::websocket {
namespace {

constexpr std::size_t unmask_piece_bytes = 1024;

// What compresses badly is larger compressed, by a few bytes a block.
std::uint64_t max_compressed_bytes(const message_limits& limits) {
  return limits.max_message_bytes + limits.max_message_bytes / 16 + 1024;
}

void refuse(decoded& step, violation why) {
  step.what = decoded::kind::violation;
  step.why = why;
}

}  // namespace

decoded message_decoder::feed(std::string_view bytes) {
  decoded step;
  if (!in_payload_) control_.reset();
  while (step.what == decoded::kind::need_more && step.consumed < bytes.size()) {
    const std::string_view rest = bytes.substr(step.consumed);
    step.consumed += in_payload_ ? take_payload(rest, step) : take_header(rest, step);
  }
  return step;
}

message message_decoder::take_message() { return {.kind = kind_, .payload = std::exchange(payload_, {})}; }

// How many bytes it took.
std::size_t message_decoder::take_header(std::string_view bytes, decoded& step) {
  const std::size_t before = head_bytes_;
  const std::size_t taken = std::min(bytes.size(), head_.size() - before);
  std::memcpy(head_.data() + before, bytes.data(), taken);
  const auto size = parse_frame_header({head_.data(), before + taken}, rules_, header_);
  if (!size) {
    refuse(step, size.error());
    return taken;
  }
  if (*size == 0) {
    head_bytes_ = static_cast<std::uint8_t>(before + taken);
    return taken;
  }
  head_bytes_ = 0;
  done_bytes_ = 0;
  in_payload_ = true;
  if (const auto why = begin_frame()) {
    refuse(step, *why);
  } else if (header_.length == 0) {
    end_frame(step);
  }
  return *size - before;
}

// Refuses what its header alone condemns, before a byte of it is kept.
std::optional<violation> message_decoder::begin_frame() {
  if (is_control(header_.what)) {
    control_bytes_ = 0;
    if (header_.length > 0) control_ = std::make_unique<std::array<char, max_control_bytes>>();
    return std::nullopt;
  }
  if ((header_.what == opcode::continuation) != in_message_) {
    return in_message_ ? violation::expected_continuation : violation::unexpected_continuation;
  }
  if (!in_message_) {
    in_message_ = true;
    compressed_ = header_.compressed;
    kind_ = header_.what == opcode::text ? message_kind::text : message_kind::binary;
    wire_bytes_ = 0;
    text_.reset();
    if (compressed_ && !inflater_) inflater_ = std::make_unique<inflater>(window_bits_);
  }
  if (header_.length > limits_.max_frame_bytes) return violation::frame_too_large;
  const std::uint64_t so_far = compressed_ ? wire_bytes_ : payload_.size();
  const std::uint64_t most = compressed_ ? max_compressed_bytes(limits_) : limits_.max_message_bytes;
  if (header_.length > most - so_far) return violation::message_too_large;
  return std::nullopt;
}

std::size_t message_decoder::take_payload(std::string_view bytes, decoded& step) {
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), header_.length - done_bytes_));
  const std::string_view fresh = bytes.substr(0, taken);
  if (is_control(header_.what)) {
    const auto into = std::span(*control_).subspan(control_bytes_, taken);
    std::ranges::copy(fresh, into.begin());
    if (header_.masked) apply_mask(into, header_.key, done_bytes_);
    control_bytes_ = static_cast<std::uint8_t>(control_bytes_ + taken);
  } else if (const auto why = take_data(fresh)) {
    refuse(step, *why);
    return taken;
  }
  done_bytes_ += taken;
  if (done_bytes_ == header_.length) end_frame(step);
  return taken;
}

std::optional<violation> message_decoder::take_data(std::string_view bytes) {
  const std::size_t before = payload_.size();
  if (!compressed_) {
    payload_.append(bytes);
    if (header_.masked) apply_mask(std::span(payload_).subspan(before), header_.key, done_bytes_);
    return check_text(before);
  }
  wire_bytes_ += bytes.size();
  return header_.masked ? inflate_masked(bytes) : inflate(bytes);
}

// What came out before a fault is text as well: the first fault decides, however the bytes were cut.
std::optional<violation> message_decoder::inflate(std::string_view bytes) {
  const std::size_t before = payload_.size();
  const auto added = inflater_->add(bytes, payload_, limits_.max_message_bytes);
  if (const auto why = check_text(before)) return why;
  return added ? std::nullopt : std::optional(added.error());
}

// The bytes are not ours to unmask in place.
std::optional<violation> message_decoder::inflate_masked(std::string_view bytes) {
  std::array<char, unmask_piece_bytes> piece;
  for (std::size_t at = 0; at < bytes.size(); at += piece.size()) {
    const std::string_view masked = bytes.substr(at, piece.size());
    std::memcpy(piece.data(), masked.data(), masked.size());
    apply_mask({piece.data(), masked.size()}, header_.key, done_bytes_ + at);
    if (const auto why = inflate({piece.data(), masked.size()})) return why;
  }
  return std::nullopt;
}

std::optional<violation> message_decoder::check_text(std::size_t from) {
  if (kind_ == message_kind::text && !text_.feed(std::string_view(payload_).substr(from))) {
    return violation::invalid_utf8;
  }
  return std::nullopt;
}

std::optional<violation> message_decoder::end_message() {
  in_message_ = false;
  if (compressed_) {
    const std::size_t before = payload_.size();
    const auto ended = inflater_->end_message(payload_, limits_.max_message_bytes);
    if (const auto why = check_text(before)) return why;
    if (!ended) return ended.error();
    if (!keeps_context_) inflater_.reset();
  }
  if (kind_ == message_kind::text && !text_.complete()) return violation::invalid_utf8;
  return std::nullopt;
}

void message_decoder::end_frame(decoded& step) {
  in_payload_ = false;
  if (is_control(header_.what) && control_bytes_ > 0) step.control = {control_->data(), control_bytes_};
  switch (header_.what) {
    case opcode::ping:
      step.what = decoded::kind::ping;
      return;
    case opcode::pong:
      step.what = decoded::kind::pong;
      return;
    case opcode::close:
      step.what = decoded::kind::close;
      return;
    case opcode::continuation:
    case opcode::text:
    case opcode::binary:
      break;
  }
  if (!header_.last) return;
  if (const auto why = end_message()) return refuse(step, *why);
  step.what = decoded::kind::message;
}

}  // namespace assay::websocket
