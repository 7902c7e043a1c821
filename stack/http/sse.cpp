#include "stack/http/sse.hpp"

#include <algorithm>

namespace assay::http {
namespace {

constexpr std::size_t max_piece_bytes = 16 * 1024;  // of events that leave together

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != std::string_view::npos; }

// One line of the stream for each of `text`, which end by CR, LF or CRLF.
void append_lines(std::string& to, std::string_view prefix, std::string_view text) {
  while (true) {
    const std::size_t end = text.find_first_of("\r\n");
    to.append(prefix).append(text.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos) return;
    const bool both = text.substr(end).starts_with("\r\n");
    text.remove_prefix(end + (both ? 2 : 1));
  }
}

result<void> append_queued(std::string& to, const sent_event& queued) { return append_event(to, queued); }
result<void> append_queued(std::string& to, const shared_event& queued) { return append_event(to, *queued); }

template <class Queued>
task<result<Queued>> receive(channel<Queued>& from) {
  co_return co_await from.receive();
}

template <class Queued>
task<result<void>> send_all(body_sink& to, channel<Queued>& from, event_stream_options options) {
  const context& ctx = co_await this_context();
  std::string piece;
  result<void> sent = co_await to.write({});  // the head leaves before the first event
  while (sent) {
    piece.clear();
    const instant silent_until = saturating_add(ctx.on->turn_time(), options.heartbeat);
    result<Queued> next = co_await with_deadline(silent_until, receive(from));
    if (next) {
      sent = append_queued(piece, *next);
      while (sent && piece.size() < max_piece_bytes) {
        const std::optional<Queued> more = from.try_receive();
        if (!more) break;
        sent = append_queued(piece, *more);
      }
    } else if (next.error().code == errc::closed) {
      break;
    } else if (next.error().code == errc::timed_out && silent_until <= ctx.deadline) {
      append_comment(piece, {});
    } else {
      co_return std::unexpected(next.error());
    }
    if (sent) sent = co_await to.write(piece);
  }
  co_return sent;
}

}  // namespace

result<void> append_event(std::string& to, const sent_event& event) {
  if (has_line_end(event.type) || (event.id && (has_line_end(*event.id) || event.id->contains('\0')))) {
    return std::unexpected(error{.code = errc::invalid_argument, .what = "type or id of an event"});
  }
  if (event.retry && event.retry->count() < 0) {
    return std::unexpected(error{.code = errc::invalid_argument, .what = "retry of an event"});
  }
  if (!event.type.empty()) to.append("event: ").append(event.type).push_back('\n');
  if (event.id) to.append("id: ").append(*event.id).push_back('\n');
  if (event.retry) to.append("retry: ").append(std::to_string(event.retry->count())).push_back('\n');
  append_lines(to, "data: ", event.data);
  to.push_back('\n');
  return {};
}

void append_comment(std::string& to, std::string_view text) {
  append_lines(to, ":", text);
  to.push_back('\n');
}

std::string_view last_event_id(const request_head& head) { return head.headers.find("last-event-id").value_or(""); }

ASSAY_CORO_WRAPPER task<result<void>> send_events(body_sink& to, channel<sent_event>& from,
                                                  event_stream_options options) {
  return send_all(to, from, options);
}

ASSAY_CORO_WRAPPER task<result<void>> send_events(body_sink& to, channel<shared_event>& from,
                                                  event_stream_options options) {
  return send_all(to, from, options);
}

response event_response(task_function<task<result<void>>(body_sink&)> stream) {
  return {.status = 200,
          .headers = {{"cache-control", "no-store"}, {"x-accel-buffering", "no"}},
          .content_type = "text/event-stream",
          .stream = std::move(stream)};
}

}  // namespace assay::http
