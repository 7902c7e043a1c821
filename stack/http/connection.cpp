#include "stack/http/connection.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <optional>

#include "stack/http/response_head.hpp"
#include "stack/http/status.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::http::detail {
namespace {

constexpr std::size_t kept_idle_bytes = 4096;  // of the send buffers of a connection that waits
constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

// The request of this connection, body included.
class connection::incoming final : public request {
 public:
  explicit incoming(connection& on) : on_(on) {}

  request_head& parse_into() { return head_; }
  // The client waits for "100 Continue" and has not been given it.
  bool awaits_continue() const { return head_.expect_continue && !continued_; }

  socket_address peer() const override { return on_.stream_.peer_address(); }

  task<result<std::string_view>> read() override {
    if (too_large()) co_return std::unexpected(error{.code = errc::limit, .what = "request body too large"});
    if (awaits_continue() && !on_.answer_begun_ && !on_.reader_.body_ended()) {
      continued_ = true;
      on_.writer_.append(continue_line);
      on_.flush();
    }
    result<std::string_view> piece = co_await on_.reader_.read_body(on_.from_now(on_.shared_.limits.body_timeout));
    if (piece) body_bytes_ += piece->size();
    failed_ = !piece || too_large();
    on_.watch_client();
    if (!piece && piece.error().code == errc::timed_out) on_.shared_.counters.body_timeouts++;
    if (too_large()) co_return std::unexpected(error{.code = errc::limit, .what = "request body too large"});
    co_return piece;
  }
  void let_go() override { on_.reader_.let_go(); }

  // Malformed, stalled or too large: where it would end is not known, or not worth waiting for.
  bool failed() const { return failed_; }

  bool too_large() const {
    return head_.body.length > on_.shared_.limits.max_body_bytes || body_bytes_ > on_.shared_.limits.max_body_bytes;
  }

 private:
  connection& on_;
  std::uint64_t body_bytes_ = 0;
  bool continued_ = false;
  bool failed_ = false;
};

// The head leaves with the first piece. Until then the stream can still ask for the request's body ("100 Continue"
// comes before any head), and a failure can still be told as a status.
class connection::streamed_body final : public body_sink {
 public:
  streamed_body(connection& on, const incoming& asked, const response& reply)
      : on_(on), asked_(asked), reply_(reply), chunked_(asked.head().version_minor > 0) {}

  task<result<void>> write(std::string_view piece) override {
    // A producer that waits for nothing else hears here that it is to stop.
    if (on_.writer_.failed()) co_return std::unexpected(*on_.writer_.failure());
    if (on_.cancel_.cancelled()) {
      co_return std::unexpected(error{.code = errc::cancelled, .reason = on_.cancel_.reason(), .what = "write"});
    }
    begin();
    append(piece);
    on_.flush();
    const bool has_room = !on_.over_limit() || co_await on_.wait_for_room();
    if (!has_room) co_return std::unexpected(*on_.writer_.failure());
    co_return result<void>{};
  }

  bool begun() const { return begun_; }
  bool keep() const { return keep_; }
  void finish() {
    begin();
    if (chunked_) on_.writer_.append(last_chunk);
  }

 private:
  void begin() {
    if (!std::exchange(begun_, true)) keep_ = on_.append_head(asked_, reply_);
  }
  void append(std::string_view piece) {
    if (piece.empty()) return;  // as a chunk it would be the end
    if (chunked_) {
      std::array<char, max_chunk_header_bytes> size_line;
      on_.writer_.append({size_line.data(), encode_chunk_header(piece.size(), size_line)});
    }
    on_.writer_.append(piece);
    if (chunked_) on_.writer_.append(chunk_data_end);
  }

  connection& on_;
  const incoming& asked_;
  const response& reply_;
  bool chunked_;
  bool begun_ = false;
  bool keep_ = false;
};

// Runs a handler or a stream under its deadline, and notices should it wait.
template <class T>
struct connection::service_run {
  task<T> child;
  connection* on;
  instant deadline;
  context ctx;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    ctx = parent.promise().ctx->narrowed(deadline);
    const bool waits = task<T>::start(child.frame(), parent, &ctx);
    if (waits) on->on_service_waits();
    return waits;
  }
  T await_resume() {
    on->on_service_ends();
    return child.frame().promise().take();
  }
};

connection::connection(shared_state& shared, context& parent, net::stream from)
    : shared_(shared),
      cancel_(*parent.cancel),
      ctx_(parent),
      stream_(std::move(from)),
      reader_(stream_, head_kind::request, shared.limits.parse),
      writer_(*parent.on, stream_, [this] { on_write_failure(); }),
      write_stopper_(writer_),
      departure_watch_(*this) {
  ctx_.cancel = &cancel_;
  if (!cancel_.add(write_stopper_)) writer_.give_up(cancel_.reason());
}

void connection::on_write_failure() {
  if (writer_.failure()->code == errc::timed_out) shared_.counters.write_timeouts++;
  cancel_.cancel(cancel_reason::peer_closed);
}

instant connection::from_now(duration span) const { return saturating_add(ctx_.on->turn_time(), span); }

void connection::flush() { writer_.kick(from_now(shared_.limits.write_timeout)); }

// Meanwhile the answers to earlier pipelined requests leave, and others may need the buffer of later ones.
void connection::on_service_waits() {
  service_waits_ = true;
  flush();
  reader_.keep_buffered();
  watch_client();
}

void connection::on_service_ends() {
  service_waits_ = false;
  departure_watch_.end();
}

bool connection::over_limit() const {
  return writer_.failed() || writer_.pending_bytes() > shared_.limits.max_unsent_bytes;
}

// Waits until everything is with the kernel; false when sending has failed.
task<bool> connection::wait_for_room() {
  flush();
  const result<void> flushed = co_await writer_.flushed();
  co_return flushed.has_value();
}

void connection::end_when_idle() {
  if (handed_over_ != nullptr) return handed_over_->drain();
  if (idle_ != nullptr && !busy_ && reader_.at_message_start()) idle_->cancel(cancel_reason::shutdown);
}

task<void> connection::run() {
  cancel_scope idle(cancel_);
  context idle_ctx = ctx_;
  idle_ctx.cancel = idle_ = &idle;
  while (true) {
    if (!reader_.next_head_buffered()) {
      if (shared_.draining && reader_.at_message_start()) {
        lingers_ = served_ > 0;  // it was told to keep the connection: the next request may be on its way
        break;
      }
      flush();
      writer_.shrink(kept_idle_bytes);
    }
    const result<std::string_view> head = co_await with_context(
        idle_ctx, reader_.read_head(from_now(shared_.limits.idle_timeout), shared_.limits.head_timeout));
    if (!head) {
      co_await refuse_head(head.error());
      break;
    }
    busy_ = true;
    const bool again = co_await with_context(ctx_, serve_one(*head));
    if (!again) break;
    busy_ = false;
    reader_.next_message();
  }
  idle_ = nullptr;
}

task<void> connection::finish() {
  co_await with_context(ctx_, end());
  while (!departure_watch_.settled()) co_await yield();
  if (busy_ && cancel_.reason() == cancel_reason::shutdown) shared_.counters.cut++;
}

task<bool> connection::serve_one(std::string_view head_bytes) {
  incoming asked(*this);
  const auto parsed = parse_request_head(head_bytes, shared_.limits.parse, asked.parse_into());
  if (!parsed) {
    shared_.counters.refused_heads++;
    refuse({.status = http_status(parsed.error()), .reason = label(parsed.error())}, describe(parsed.error()));
    co_return false;
  }
  shared_.counters.requests++;
  served_++;
  reader_.begin_body(asked.head().body);
  answer_begun_ = false;
  if (asked.too_large()) {  // before a handler or "100 Continue" invites it
    shared_.counters.refused_bodies++;
    refuse({.status = 413, .reason = "body_too_large", .head = &asked.head()}, "request body too large");
    co_return false;
  }
  response reply = co_await run_handler(asked);
  co_return co_await answer(asked, reply);
}

task<response> connection::run_handler(incoming& asked) {
  try {
    co_return co_await service_run<response>{shared_.serve(asked), this, from_now(shared_.limits.handler_timeout), {}};
  } catch (...) {  // a bug in the service
    report_bug(&asked);
  }
  response failed = response::refused(500, "exception", "internal server error");
  failed.close = true;  // what it left half done is unknown
  co_return failed;
}

// Whether the rest of the body is worth reading to keep the connection.
bool connection::can_skip_body(const incoming& asked) const {
  if (reader_.body_ended()) return true;
  return !asked.failed() && !asked.awaits_continue() &&
         asked.head().body.length <= shared_.limits.max_skipped_body_bytes;
}

// Whether another request may follow this answer.
bool connection::can_keep(const incoming& asked, const response& reply) const {
  const bool may_read_the_rest = reply.stream && sends_body(asked, reply);
  return asked.head().keep_alive && !reply.close && !shared_.draining && !cancel_.cancelled() &&
         served_ < shared_.limits.max_requests_per_connection && (may_read_the_rest || can_skip_body(asked));
}

// The answer to HEAD describes a body that is not even produced: a stream may be endless.
bool connection::sends_body(const incoming& asked, const response& reply) {
  return asked.verb() != method::head && !status_forbids_body(reply.status);
}

// True when it promises to keep the connection.
bool connection::append_head(const incoming& asked, const response& reply) {
  answer_begun_ = true;
  const bool bodiless = status_forbids_body(reply.status);
  const bool streams = reply.stream && !bodiless;
  const bool chunked = streams && asked.head().version_minor > 0;
  const bool keep = can_keep(asked, reply) && chunked == streams;
  append_response_head(writer_.buffer(), reply,
                       {.keep = keep,
                        .chunked = chunked,
                        .with_length = !bodiless && !streams,
                        .version_minor = asked.head().version_minor,
                        .date = date_field()});
  return keep;
}

// A response that cannot be sent as it is, is a bug of the service.
bool connection::can_send(const incoming& asked, const response& reply) const {
  return sendable(reply) && (!reply.upgrade || (asked.head().upgrade && reader_.body_ended()));
}

task<bool> connection::answer(incoming& asked, response& reply) {
  if (!can_send(asked, reply)) {
    report_bug(&asked, error{.code = errc::invalid_argument, .what = "a response that cannot be sent"});
    reply = response::refused(500, "unsendable", "internal server error");
    reply.close = true;
  }
  if (reply.upgrade) {
    begin_upgrade(reply);
    co_return false;
  }
  bool keep = false;
  if (reply.stream && sends_body(asked, reply)) {
    const result<bool> sent = co_await send_streamed(asked, reply);
    if (!sent) co_return false;
    keep = *sent;
  } else {
    keep = append_head(asked, reply);
    if (sends_body(asked, reply)) writer_.append(reply.body);
  }
  const bool has_room = !over_limit() || co_await wait_for_room();
  if (!has_room) co_return false;
  const bool again = keep && can_skip_body(asked) && (reader_.body_ended() || co_await skip_body());
  // A client that did not ask for the end may have sent more already.
  lingers_ = !again && (!reader_.body_ended() || asked.head().keep_alive);
  co_return again;
}

// Whether it promised to keep the connection, or a failure: the body is cut, and the client can tell.
task<result<bool>> connection::send_streamed(incoming& asked, response& reply) {
  streamed_body sink(*this, asked, reply);
  result<void> produced;
  response instead;
  try {
    produced = co_await service_run<result<void>>{reply.stream(sink), this, never, {}};
    if (!produced) instead = asked.failed() ? response::for_body(produced.error()) : response::from(produced.error());
  } catch (...) {  // a bug in the service
    report_bug(&asked);
    produced = std::unexpected(error{.code = errc::system, .what = "body stream threw"});
    instead = response::refused(500, "exception", "internal server error");
  }
  if (produced) {
    sink.finish();
    co_return sink.keep();
  }
  if (sink.begun()) co_return std::unexpected(produced.error());
  instead.close = true;
  std::ignore = append_head(asked, instead);
  writer_.append(instead.body);
  co_return false;
}

task<bool> connection::skip_body() {
  std::uint64_t skipped = 0;
  while (!reader_.body_ended()) {
    std::optional<result<std::string_view>> here = reader_.buffered_body();
    if (!here) flush();  // the answer does not wait for what it does not depend on
    const result<std::string_view> piece =
        here ? *here : co_await reader_.read_body(from_now(shared_.limits.body_timeout));
    if (!piece && piece.error().code == errc::timed_out) shared_.counters.body_timeouts++;
    if (!piece) co_return false;
    skipped += piece->size();
    if (skipped > shared_.limits.max_skipped_body_bytes) co_return false;
  }
  co_return true;
}

std::string_view connection::date_field() {
  const auto second = std::chrono::duration_cast<std::chrono::seconds>(ctx_.on->turn_time().time_since_epoch()).count();
  if (second != shared_.date_second) {
    shared_.date_second = second;
    shared_.date_field = format_date_field(std::time(nullptr));
  }
  return shared_.date_field;
}

}  // namespace assay::http::detail
