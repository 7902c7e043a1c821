// How a connection ends: what it refuses, its last bytes, and what it says of a handler that threw.
#include <exception>

#include "stack/http/connection.hpp"
#include "stack/http/response_head.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::http::detail {

// A final answer that ends the connection.
void connection::refuse(refusal as, std::string_view sentence) {
  const response reply = response::refused(as.status, as.reason, sentence);
  as.bytes = reply.body.size();
  if (shared_.on_refused) shared_.on_refused(as);
  append_response_head(
      writer_.buffer(), reply,
      {.keep = false, .chunked = false, .with_length = true, .version_minor = 1, .date = date_field()});
  writer_.append(reply.body);
  lingers_ = true;
}

task<void> connection::refuse_head(const error& why) {
  if (reader_.refused()) {
    shared_.counters.refused_heads++;
    refuse({.status = http_status(*reader_.refused()), .reason = label(*reader_.refused())},
           describe(*reader_.refused()));
  } else if (why.code == errc::timed_out && reader_.at_message_start()) {
    shared_.counters.idle_timeouts++;
  } else if (why.code == errc::timed_out) {
    shared_.counters.head_timeouts++;
    refuse({.status = 408, .reason = "head_timeout"}, "the request head did not arrive in time");
  }
  co_return;
}

// The last bytes leave; then, if the client may still be sending, its bytes are read and dropped for a while, since
// closing with bytes unread resets the connection and takes our answer away from it.
task<void> connection::end() {
  busy_ = busy_ || writer_.pending_bytes() > 0;
  flush();
  if (!cancel_.cancelled()) {
    const result<void> taken = co_await writer_.flushed();
    if (taken) busy_ = false;
  }
  if (lingers_ && !writer_.failed() && !cancel_.cancelled()) co_await linger();
  co_await writer_.stop();
}

task<void> connection::linger() {
  reader_.discard_buffered();
  stream_.shutdown_write();
  const instant limit = from_now(shared_.limits.linger_timeout);
  // The clock as well: a client that never pauses would never let the receive wait, and so time out.
  while (ctx_.on->turn_time() < limit) {
    const result<net::chunk> dropped = co_await stream_.recv(limit);
    if (!dropped || dropped->empty()) break;
  }
}

// A defect of the service: the exception that is being caught, or `failure`.
void connection::report_bug(const request* asked, const std::optional<error>& failure) const {
  shared_.counters.handler_exceptions++;
  const std::string during = asked != nullptr ? std::string(asked->head().method_text).append(" ").append(asked->path())
                                              : std::string("a connection that has left HTTP");
  report_unobserved({.where = ctx_.task->where,
                     .request_id = ctx_.task->request_id,
                     .failure = failure,
                     .thrown = failure ? nullptr : std::current_exception(),
                     .during = during});
}

}  // namespace assay::http::detail
