#include "stack/http/websocket/connection.hpp"

#include <cassert>
#include <exception>
#include <utility>

#include "stack/runtime/delay.hpp"

namespace assay::websocket {
namespace {

constexpr role other(role one) { return one == role::client ? role::server : role::client; }

task<result<net::chunk>> receive_some(net::stream& from, instant limit) { co_return co_await from.recv(limit); }

error failure_of(violation why) {
  const bool too_large = why == violation::frame_too_large || why == violation::message_too_large;
  // A literal, so it ends with a NUL. NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage)
  return {.code = too_large ? errc::limit : errc::protocol, .what = describe(why).data()};
}

}  // namespace

connection::connection(context& parent, http::upgraded& raw, role own, std::shared_ptr<const opened> with)
    : ctx_(parent),
      raw_(raw),
      with_(std::move(with)),
      decoder_(other(own), limits().messages, with_->granted.deflate),
      kept_(raw.take_early()),
      flush_(this),
      meter_(raw.writer().pending_bytes()),
      own_(own),
      clock_zero_(now()) {
  request_flush();  // what the handshake needed is let go
}

// Time runs for the peer.
class connection::listening {
 public:
  explicit listening(connection& to) : to_(to) {
    assert(!to.listening_ && "one task receives");
    to.clock_zero_ = to.now() - to.listened_;
    to.listening_ = true;
  }
  listening(const listening&) = delete;
  listening& operator=(const listening&) = delete;
  ~listening() {
    to_.listened_ = to_.clock();
    to_.listening_ = false;
  }

 private:
  connection& to_;
};

task<result<message>> connection::receive() {
  const context& ctx = co_await this_context();
  const listening until_return(*this);
  if (std::optional<message> got = take_kept()) co_return std::move(*got);
  while (true) {
    const instant limit = act_on_time();
    if (ended_ || writer_has_failed()) co_return std::unexpected(*ended_);
    cancel_scope waking(*ctx.cancel);
    context wakeable = ctx;
    wakeable.cancel = waking_ = &waking;
    const result<net::chunk> some = co_await with_context(wakeable, receive_some(raw_.stream(), limit));
    waking_ = nullptr;
    if (some) {
      if (std::optional<message> got = take_received(some->bytes())) co_return std::move(*got);
    } else if (some.error().system_errno != 0) {
      end(some.error());
    } else if (ctx.cancel->cancelled() || ctx.deadline <= now()) {
      if (ended_ || writer_has_failed()) co_return std::unexpected(*ended_);
      co_return std::unexpected(some.error());
    }
  }
}

task<result<void>> connection::until_closed() {
  while (true) {
    const result<message> dropped = co_await receive();
    if (!dropped) co_return std::unexpected(dropped.error());
  }
}

std::optional<message> connection::take_received(std::string_view input) {
  heard_at_ = clock();
  pinged_at_.reset();
  if (input.empty()) {
    stream_over_ = true;
    end({.code = errc::closed, .what = "the connection ended without a Close"});
    return std::nullopt;
  }
  std::optional<message> got = take_from(input);
  // Into memory of our own: the loop's lent buffers are few, and the session may do something else for long now.
  if (!input.empty() && !ended_) kept_.assign(input);
  return got;
}

std::optional<message> connection::take_kept() {
  std::string_view input = std::string_view(kept_).substr(kept_at_);
  std::optional<message> got = take_from(input);
  kept_at_ = kept_.size() - input.size();
  if (input.empty() || ended_) {
    std::string().swap(kept_);
    kept_at_ = 0;
  }
  return got;
}

// Decodes up to the end of a message, or of the input.
std::optional<message> connection::take_from(std::string_view& input) {
  while (!input.empty() && !ended_) {
    const decoded step = decoder_.feed(input);
    input.remove_prefix(step.consumed);
    switch (step.what) {
      case decoded::kind::need_more:
      case decoded::kind::pong:
        break;
      case decoded::kind::message:
        counters_.received++;
        active_at_ = clock();
        mark_message(false);
        return decoder_.take_message();
      case decoded::kind::ping:
        answer_ping(step.control);
        break;
      case decoded::kind::close:
        on_close(step.control);
        break;
      case decoded::kind::violation:
        on_violation(step.why);
        break;
    }
  }
  mark_message(!decoder_.between_messages());
  return std::nullopt;
}

void connection::answer_ping(std::string_view payload) {
  counters_.pings++;
  if (close_sent_) return;
  // RFC 6455 section 5.5.3: the latest ping is the one to answer.
  if (!has_room(payload.size() + max_frame_header_bytes)) {
    owed_pong_ = std::make_unique<std::string>(payload);
    return;
  }
  append({.what = opcode::pong}, payload);
}

void connection::on_close(std::string_view payload) {
  close_frame said;
  if (const auto why = parse_close(payload, said)) return on_violation(*why);
  if (!std::exchange(close_sent_, true)) append({.what = opcode::close}, close_payload(said.code, {}));
  peer_close_ = std::move(said);
  says_goodbye_ = true;
  end({.code = errc::closed, .what = "closed"});
}

void connection::on_violation(violation why) {
  close(code_for(why), describe(why));
  says_goodbye_ = true;
  end(failure_of(why));
}

void connection::close(close_code code, std::string_view reason) {
  if (closing()) return;
  append({.what = opcode::close}, close_payload(code, reason));
  close_sent_ = true;
  // A drain comes from outside of a turn: the time of the last one may be long past.
  close_deadline_ = saturating_add(ctx_.on->now(), limits().close_timeout);
  while (send_awaiter* late = waiting_.pop_front()) {
    late->settle(std::unexpected(error{.code = errc::closed, .what = "websocket send"}));
  }
  wake();
}

// The first reason stays.
void connection::end(const error& why) {
  if (ended_) return;
  ended_ = why;
  while (send_awaiter* lost = waiting_.pop_front()) lost->settle(std::unexpected(why));
  wake();
}

bool connection::writer_has_failed() {
  if (writer().failed()) end(*writer().failure());
  return writer().failed();
}

void connection::wake() noexcept {
  if (waking_ != nullptr) waking_->cancel(cancel_reason::user);
}

task<void> connection::finish() {
  close();
  while (!ended_) {
    const result<message> dropped = co_await receive();
    if (!dropped && !ended_) break;  // cancelled
  }
  while (flush_.queued) co_await yield();  // in line behind it: it has run then
  if (!says_goodbye_) writer().give_up(cancel_reason::user);
  co_await last_flush();
}

task<void> run_session(http::upgraded& raw, role own, const std::shared_ptr<const opened>& with) {
  connection peer(co_await this_context(), raw, own, with);
  raw.on_drain([&peer] { peer.close(close_code::going_away, "the server is shutting down"); });
  std::exception_ptr bug;
  try {
    co_await with->talk(peer);
  } catch (...) {
    bug = std::current_exception();
  }
  if (bug) peer.close(close_code::internal_error);
  co_await peer.finish();
  raw.on_drain(nullptr);
  if (peer.peer_may_send()) raw.linger();
  if (bug) std::rethrow_exception(bug);
}

}  // namespace assay::websocket
