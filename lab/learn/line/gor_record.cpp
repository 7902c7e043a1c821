#include "lab/learn/line/gor_record.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "lab/learn/line/text.hpp"
#include "stack/http/chunked.hpp"
#include "stack/http/parser.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t id_with_connection = 24;
constexpr std::size_t connection_digits = 16;

// Of the connection that was recorded: whoever sends the request again has one of its own.
bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 10> names = {
      "host",    "connection", "content-length",   "transfer-encoding", "keep-alive",
      "upgrade", "te",         "proxy-connection", "http2-settings",    "expect"};
  return std::ranges::any_of(names, [name](auto each) { return http::equals_ignoring_case(name, each); });
}

// The payload of a chunked body; `whole` is false when its end is missing.
std::expected<std::string, line_fault> unchunked(std::string_view bytes, bool& whole) {
  std::string body;
  http::chunked_decoder decoder;
  while (!bytes.empty()) {
    const http::chunk_piece piece = decoder.feed(bytes);
    bytes.remove_prefix(piece.consumed);
    if (piece.state == http::chunk_state::error) return std::unexpected(line_fault::bad_record);
    if (piece.state == http::chunk_state::done) break;
    body += piece.payload;
  }
  if (!bytes.empty()) return std::unexpected(line_fault::bad_record);
  whole = decoder.done();
  return body;
}

std::expected<void, line_fault> read_body(const http::body_framing& framing, std::string_view rest, gor_message& into) {
  switch (framing.kind) {
    case http::body_kind::length:
      if (rest.size() > framing.length) return std::unexpected(line_fault::bad_record);
      into.whole = rest.size() == framing.length;
      into.body = rest;
      return {};
    case http::body_kind::chunked: {
      auto body = unchunked(rest, into.whole);
      if (!body) return std::unexpected(body.error());
      into.body = std::move(*body);
      return {};
    }
    default:
      // Bytes behind a message that has no body belong to nobody.
      if (!rest.empty()) return std::unexpected(line_fault::bad_record);
      return {};
  }
}

std::expected<void, line_fault> read_message(std::string_view bytes, gor_message& into) {
  http::head_scanner scanner(http::head_kind::request);
  const auto head_bytes = scanner.scan(bytes);
  if (!head_bytes) return std::unexpected(line_fault::no_request);
  if (*head_bytes == 0) return std::unexpected(line_fault::cut_short);
  http::request_head head;
  if (!http::parse_request_head(bytes.substr(0, *head_bytes), {}, head)) return std::unexpected(line_fault::no_request);
  into.method = head.method_text;
  into.target = head.target;
  into.host = head.host;
  for (const http::header_field& field : head.headers) {
    if (!is_of_connection(field.name)) into.fields.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return read_body(head.body, bytes.substr(*head_bytes), into);
}

std::expected<void, line_fault> read_status(std::string_view bytes, gor_message& into) {
  const bool is_status_line = bytes.starts_with("HTTP/") && bytes.size() >= 12 && bytes[8] == ' ';
  into.status = is_status_line ? fixed_number(bytes, 9, 3) : -1;
  if (into.status < 100 || into.status > 599) return std::unexpected(line_fault::bad_status);
  return {};
}

}  // namespace

void gor_cutter::take(std::string_view piece) {
  const std::size_t most = record_separator.size() + 1;
  line_is_longer_ = line_is_longer_ || line_.size() + piece.size() > most;
  if (!line_is_longer_) line_ += piece;
  if (too_long_) return;
  const std::size_t room = max_record_bytes - record_.size();
  record_ += piece.substr(0, room);
  too_long_ = piece.size() > room;
}

// Whether the line that has just ended is the separator; then the record is whole.
bool gor_cutter::ends_line() {
  const std::string_view line = std::string_view(line_).substr(0, line_.size() - !line_.empty());
  const bool is_end = !line_is_longer_ && line == record_separator;
  if (is_end && !too_long_) {
    record_.resize(record_.size() - record_separator.size() - 1);
    if (record_.ends_with('\n')) record_.pop_back();
  }
  line_.clear();
  line_is_longer_ = false;
  return is_end;
}

bool gor_cutter::feed(std::string_view& bytes) {
  if (ended_ && !bytes.empty()) {
    record_.clear();
    too_long_ = ended_ = false;
  }
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
    bytes.remove_prefix(piece.size());
    take(piece);
    if (end != std::string_view::npos && ends_line()) return ended_ = true;
  }
  return false;
}

std::expected<gor_message, line_fault> read_gor_record(std::string_view record) {
  record.remove_prefix(std::min(record.find_first_not_of("\r\n"), record.size()));
  if (record.empty()) return std::unexpected(line_fault::unfinished);
  const std::size_t end = record.find('\n');
  std::string_view line = record.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto head = read_record_head(line);
  if (!head) return std::unexpected(line_fault::bad_record);
  if (head->kind == '3') return std::unexpected(line_fault::aside);
  if (end == std::string_view::npos) return std::unexpected(line_fault::no_request);
  gor_message message;
  message.kind = head->kind;
  message.id = head->id;
  message.at = head->at;
  const std::string_view bytes = record.substr(end + 1);
  const auto read = head->kind == '1' ? read_message(bytes, message) : read_status(bytes, message);
  if (!read) return std::unexpected(read.error());
  return message;
}

std::string_view connection_of(std::string_view id) {
  return id.size() == id_with_connection ? id.substr(0, connection_digits) : std::string_view();
}

}  // namespace assay::learn
