#include "stack/http/reader.hpp"

#include <algorithm>
#include <cassert>

namespace assay::http {
namespace {

constexpr std::size_t kept_head_bytes = 1024;  // an idle connection does not keep what one large head needed

}  // namespace

error protocol_error(parse_error why) {
  const std::string_view sentence = describe(why);
  // A literal, so it ends with a NUL. NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  return {.code = errc::protocol, .what = sentence.data()};
}

// Moves bytes from the chunk to the head; true when the head is complete.
result<bool> message_reader::take_head() {
  if (chunk_.empty()) return false;
  const std::string_view fresh = chunk_.bytes();
  const std::size_t before = head_.size();
  if (before > 0) head_.append(fresh);
  const auto scanned = scanner_.scan(before > 0 ? std::string_view(head_) : fresh);
  if (!scanned) {
    refused_ = scanned.error();
    return std::unexpected(protocol_error(scanned.error()));
  }
  if (*scanned == 0) {
    if (before == 0) head_.assign(fresh);
    chunk_.release();
    return false;
  }
  if (before == 0) {
    head_.assign(fresh.substr(0, *scanned));
  } else {
    head_.resize(*scanned);
  }
  chunk_.consume(*scanned - before);
  head_complete_ = true;
  return true;
}

void message_reader::next_message() {
  assert(body_ended_ && "read or skip the body first");
  chunk_.consume(std::exchange(piece_bytes_, 0));
  head_complete_ = false;
  head_.clear();
  if (chunk_.empty() && !kept_.empty()) std::string().swap(kept_);
  if (head_.capacity() > kept_head_bytes) head_.shrink_to_fit();
}

void message_reader::keep_buffered() {
  if (chunk_.empty() || piece_bytes_ > 0 || !kept_.empty()) return;
  kept_.assign(chunk_.bytes());
  chunk_ = net::chunk(from_.backend(), {.bytes = kept_});  // of no lent buffer: giving it back does nothing
}

void message_reader::let_go() {
  chunk_.consume(std::exchange(piece_bytes_, 0));
  keep_buffered();
}

void message_reader::add_received(std::string_view bytes) {
  assert(chunk_.empty() && "read what is here first");
  received_bytes_ += bytes.size();
  kept_.assign(bytes);
  chunk_ = net::chunk(from_.backend(), {.bytes = kept_});
}

std::string message_reader::take_buffered() {
  assert(body_ended_ && "read the body first");
  chunk_.consume(std::exchange(piece_bytes_, 0));
  std::string rest(chunk_.bytes());
  chunk_.release();
  std::string().swap(kept_);
  std::string().swap(head_);
  return rest;
}

bool message_reader::next_head_buffered() {
  if (head_complete_ || refused_) return true;
  const result<bool> complete = take_head();
  return !complete || *complete;
}

task<result<std::string_view>> message_reader::read_head(instant idle_limit, duration head_timeout) {
  const context& ctx = co_await this_context();
  instant limit = idle_limit;
  bool begun = false;
  while (!next_head_buffered()) {
    if (!begun && !head_.empty()) {
      begun = true;
      if (head_timeout != duration::max()) limit = saturating_add(ctx.on->turn_time(), head_timeout);
    }
    result<net::chunk> fresh = co_await from_.recv(limit);
    if (!fresh) co_return std::unexpected(fresh.error());
    if (fresh->empty()) co_return std::unexpected(error{.code = errc::closed, .what = "receive head"});
    received_bytes_ += fresh->bytes().size();
    note_arrival(*fresh);
    std::string().swap(kept_);  // used up: what chunk_ points to from now on is lent
    chunk_ = std::move(*fresh);
  }
  if (refused_) co_return std::unexpected(protocol_error(*refused_));
  co_return std::string_view(head_);
}

// The bytes in front may have come later than those behind them, when they were lost and sent again.
void message_reader::note_arrival(const net::chunk& of) {
  const instant came = of.received_at();
  received_at_ = came == lent_buffer::unknown ? came : std::max(received_at_, came);
}

void message_reader::begin_body(const body_framing& framing) {
  framing_ = framing;
  body_ended_ = framing.kind == body_kind::none;
  piece_bytes_ = 0;
  if (framing.kind == body_kind::chunked) decoder_.reset();
}

result<std::string_view> message_reader::refuse(parse_error why) {
  refused_ = why;
  return std::unexpected(protocol_error(why));
}

std::optional<result<std::string_view>> message_reader::buffered_body() {
  chunk_.consume(std::exchange(piece_bytes_, 0));
  if (body_ended_) return std::string_view();
  while (!chunk_.empty()) {
    const std::string_view fresh = chunk_.bytes();
    if (framing_.kind == body_kind::until_close) {
      piece_bytes_ = fresh.size();
      return fresh;
    }
    if (framing_.kind == body_kind::length) {
      piece_bytes_ = static_cast<std::size_t>(std::min<std::uint64_t>(framing_.length, fresh.size()));
      framing_.length -= piece_bytes_;
      body_ended_ = framing_.length == 0;
      return fresh.substr(0, piece_bytes_);
    }
    const chunk_piece piece = decoder_.feed(fresh);
    if (piece.state == chunk_state::error) return refuse(piece.error);
    if (piece.state == chunk_state::payload) {
      piece_bytes_ = piece.consumed;
      return piece.payload;
    }
    chunk_.consume(piece.consumed);
    if (piece.state == chunk_state::done) {
      body_ended_ = true;
      return std::string_view();
    }
  }
  return std::nullopt;
}

task<result<std::string_view>> message_reader::read_body(instant limit) {
  while (true) {
    if (std::optional<result<std::string_view>> piece = buffered_body()) co_return *piece;
    result<net::chunk> fresh = co_await from_.recv(limit);
    if (!fresh) co_return std::unexpected(fresh.error());
    received_bytes_ += fresh->bytes().size();
    note_arrival(*fresh);
    std::string().swap(kept_);
    chunk_ = std::move(*fresh);
    if (!chunk_.empty()) continue;
    if (framing_.kind != body_kind::until_close) {
      co_return std::unexpected(error{.code = errc::closed, .what = "body cut short"});
    }
    body_ended_ = true;
    co_return std::string_view();
  }
}

}  // namespace assay::http
