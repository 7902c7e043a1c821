// The client's side of server-sent events: a stream of bytes, in pieces, to events (WHATWG HTML, "Interpreting an event
// stream"). Pure parsing, with a limit for everything.
//
//   while (!bytes.empty()) {
//     auto next = parser.next(bytes);          // takes what belongs to the event under way
//     if (!next) ...                           // a limit: where the next event begins is not known
//     if (*next) use(std::move(**next));       // else more bytes are needed
//   }
//
// A byte order mark in front is skipped; lines end by CR, LF or CRLF; an id with a NUL, and a retry that is not all
// digits, are ignored as the standard says. Bytes are handed on as they come: what has to be UTF-8 is checked by
// whoever needs it (utf8_length).
//
// Misuse: taking an event at the end of the stream for complete. One without its empty line is dropped.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace assay::http {

struct received_event {
  std::string type;           // "message" when the server named none
  std::string data;           // its lines, joined by LF
  std::string last_event_id;  // of this event, or of the last before it that had one
};

struct event_limits {
  std::size_t max_line_bytes = 64 * 1024;
  std::size_t max_data_bytes = 1024 * 1024;  // of an event
};

enum class event_fault : std::uint8_t { line_too_long, data_too_large };

// A sentence for a log. A literal, so it ends with a NUL.
const char* describe(event_fault fault);

class event_parser {
 public:
  explicit event_parser(const event_limits& limits = {}, std::string last_event_id = {})
      : limits_(limits), id_(last_event_id), last_event_id_(std::move(last_event_id)) {}

  // The next event once its empty line is there; nullopt when all of `bytes` is used up before. What follows the event
  // stays in `bytes`.
  std::expected<std::optional<received_event>, event_fault> next(std::string_view& bytes);

  // Another stream begins. A line or an event without its end is dropped; last_event_id() and retry() stay.
  void restart();

  // Of the last event, be it one without data.
  const std::string& last_event_id() const { return last_event_id_; }

  // What the server last asked for between connections; saturated.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  std::optional<received_event> on_line(std::string_view line);
  void on_field(std::string_view name, std::string_view value);
  std::optional<received_event> dispatch();

  event_limits limits_;
  std::optional<event_fault> fault_;
  std::string line_;  // the part of a line that came before
  bool first_line_ = true;
  bool after_cr_ = false;  // an LF would belong to the line before
  std::string type_;
  std::string data_;
  std::string id_;  // stays from event to event
  std::string last_event_id_;
  std::optional<std::chrono::milliseconds> retry_;
};

}  // namespace assay::http
