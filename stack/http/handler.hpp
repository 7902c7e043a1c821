// What a service writes: a coroutine from a request to a response.
//
//   task<http::response> hello(http::request&) { co_return http::response::text("hello\n"); }
//
// Misuse: keeping the request, or a view of its head, beyond the handler's end and that of the stream in its
// response; it lives in the connection. A handler runs on each of the server's loops at the same time: what it shares
// must be safe for that.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/http/body.hpp"
#include "stack/http/message.hpp"
#include "stack/http/reader.hpp"
#include "stack/http/upgrade.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::http {

// A request as a handler sees it. The body is read on demand; what the handler leaves is skipped.
class request : public body_source {
 public:
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  const request_head& head() const { return head_; }
  method verb() const { return head_.verb; }
  std::string_view target() const { return head_.target; }
  // The other end of its connection, which is a proxy where one stands in front: net/address.hpp prints it. Empty, of
  // size 0, where it is not known: the client has gone, or there is no network. A system call each time.
  virtual socket_address peer() const { return {}; }
  // The target up to '?', and what follows it. Of "http://host/path", which a proxy's client sends, "/path".
  std::string_view path() const {
    std::string_view path = head_.target.substr(0, head_.target.find('?'));
    if (path.starts_with('/') || !path.contains("://")) return path;
    path.remove_prefix(path.find("://") + 3);
    return path.contains('/') ? path.substr(path.find('/')) : std::string_view("/");
  }
  // Whether path() is this, which has no '?', without looking for its end.
  bool path_is(std::string_view whole) const {
    const std::string_view given = head_.target;
    if (!given.starts_with('/')) return path() == whole;
    return given.starts_with(whole) && (given.size() == whole.size() || given[whole.size()] == '?');
  }
  std::string_view query() const {
    const auto mark = head_.target.find('?');
    return mark == std::string_view::npos ? std::string_view() : head_.target.substr(mark + 1);
  }

  // The next piece of the body, empty at its end; valid until the next read. errc::limit when the body
  // exceeds server_limits::max_body_bytes, errc::protocol when it is malformed, errc::closed when the client
  // went away, errc::timed_out when it stalls. response::for_body() is the answer to each.
  task<result<std::string_view>> read() override = 0;
  // The whole body; errc::limit when it has more than `most` bytes, before any is read where its length is told.
  ASSAY_CORO_WRAPPER task<result<std::string>> read_all(std::uint64_t most = UINT64_MAX) {
    return http::read_all(*this, most, head_.body.length);
  }

 protected:
  request() = default;
  request_head head_;
};

// The value of Content-Type: a literal, checked when it is compiled, so that answering neither copies nor checks it. A
// computed one is an ordinary header.
class media_type {
 public:
  constexpr media_type() = default;
  consteval media_type(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
    for (const char c : text_) {
      if (c < ' ' || c > '~') throw "a media type is visible ASCII";
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

struct response {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};  // framing, Date and Connection are the server's
  media_type content_type = {};                                   // none is sent when empty
  std::string body = {};
  // When set, produces the body instead of `body`; sent chunked (to HTTP/1.0: until the connection closes).
  task_function<task<result<void>>(body_sink&)> stream = {};
  bool close = false;  // end the connection after this response
  // When set, takes the connection out of HTTP: with status 101, an Upgrade field, no body, and for a request that
  // asked for it (request_head::upgrade) and whose body has been read. See stack/http/upgrade.hpp.
  upgrade_function upgrade = {};
  // Why this is a refusal or a failure: static text in snake_case, for logs and metrics. It is never sent.
  std::string_view reason = {};

  static response text(std::string body, int status = 200) {
    return {.status = status, .content_type = "text/plain; charset=utf-8", .body = std::move(body)};
  }
  static response json(std::string body, int status = 200) {
    return {.status = status, .content_type = "application/json", .body = std::move(body)};
  }
  // A refusal or a failure, with its reason. `body` is what people read; empty: the reason.
  static response refused(int status, std::string_view reason, std::string_view body = {}) {
    response reply = text(std::string(body.empty() ? reason : body) + "\n", status);
    reply.reason = reason;
    return reply;
  }
  // The answer when request::read() has failed: the fault is the client's, and response::from() would say 5xx.
  static response for_body(const error& failure) {
    return refused(failure.code == errc::limit       ? 413
                   : failure.code == errc::timed_out ? 408
                                                     : 400,
                   label(failure.code));
  }
  // Not now, and perhaps soon: 503 with Retry-After.
  static response unavailable(std::string_view reason, unsigned retry_after_s = 1) {
    response reply = refused(503, reason);
    reply.headers.emplace_back("retry-after", std::to_string(retry_after_s));
    return reply;
  }
  // The answer that an expected failure maps to.
  static response from(const error& failure) {
    const int status = http_status(failure);
    return status == 503 ? unavailable(label(failure.code)) : refused(status, label(failure.code));
  }
};

using handler = task_function<task<response>(request&)>;

}  // namespace assay::http
