// The server's side of server-sent events (WHATWG HTML, "Server-sent events"): events as text, and a stream of them.
//
//   task<http::response> prices(http::request& asked) {
//     auto feed = std::make_shared<channel<http::sent_event>>(64);
//     subscribe(feed, http::last_event_id(asked.head()));   // whoever fills it decides what to do when it is full
//     co_return http::event_response([feed](this auto, http::body_sink& to) -> task<result<void>> {
//       co_return co_await http::send_events(to, *feed);    // until the feed is closed, or the client goes
//     });
//   }
//
// A comment is sent after each `heartbeat` of silence: it keeps proxies from closing, tells the client that we live,
// and lets us find out that the client has gone, at the second one at the latest. A client that reads slowly fills the
// connection's max_unsent_bytes; then the stream waits, the channel fills, and after write_timeout the client is cut.
//
// A server that drains waits for its streams until drain_timeout: close the feeds in serve_options::on_drain.
//
// Misuse: a channel without a policy for "full": a slow client must not hold up the others. Data that is not UTF-8.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stack/http/handler.hpp"
#include "stack/runtime/channel.hpp"

namespace assay::http {

struct sent_event {
  std::string data{};                                // of any number of lines; the client reads each line's end as LF
  std::string type{};                                // empty: "message"
  std::optional<std::string> id{};                   // comes back as Last-Event-ID; an empty one clears it
  std::optional<std::chrono::milliseconds> retry{};  // the client's pause before it connects again
};

// Appends the event's lines. errc::invalid_argument, and nothing appended: a type or id of several lines, an id with a
// NUL, a negative retry.
result<void> append_event(std::string& to, const sent_event& event);
// Appends lines that the client ignores.
void append_comment(std::string& to, std::string_view text);

// What the client saw last; empty: nothing, or it does not say.
std::string_view last_event_id(const request_head& head);

struct event_stream_options {
  duration heartbeat = std::chrono::seconds(15);
};

// An event of which many streams have one copy.
using shared_event = std::shared_ptr<const sent_event>;

// Sends what comes through `from`, several events in one piece when they are there, until it is closed and empty.
// Fails when the client is gone or too slow.
task<result<void>> send_events(body_sink& to, channel<sent_event>& from, event_stream_options options = {});
task<result<void>> send_events(body_sink& to, channel<shared_event>& from, event_stream_options options = {});

// 200, with the fields that keep caches and proxies from holding events back.
response event_response(task_function<task<result<void>>(body_sink&)> stream);

}  // namespace assay::http
