// An open WebSocket, the same on both sides. endpoint and connect() open it and run a session on it:
//
//   task<void> echo(websocket::connection& peer) {
//     while (true) {
//       const result<websocket::message> got = co_await peer.receive();
//       if (!got) co_return;                                      // the end, see peer_close() and failure()
//       const result<void> sent = co_await peer.send(got->kind, got->payload);
//       if (!sent) co_return;
//     }
//   }
//
// When the session returns the connection is closed in good order, with 1000, or 1011 when it threw. Pings are answered
// and sent, and deadlines kept, while the session waits in receive(): what nobody receives is not read, and so the peer
// is slowed down. A session that only sends awaits until_closed() beside it, in a scope.
//
// An idle connection holds no buffer, neither for receiving nor for sending.
//
// Misuse: keeping the connection beyond its session; receiving in two tasks at once (aborts); a sender in a scope that
// outlives receive()'s failure without being told: cancel the scope, or watch send()'s result.
#pragma once

#include <cassert>
#include <coroutine>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stack/http/upgrade.hpp"
#include "stack/http/websocket/handshake.hpp"
#include "stack/http/websocket/queue_meter.hpp"
#include "stack/http/websocket/settings.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::websocket {

struct connection_counters {
  std::uint64_t received = 0;  // messages
  std::uint64_t sent = 0;      // messages, queued at least
  std::uint64_t skipped = 0;   // messages that slow_reader::skip has dropped
  std::uint64_t pings = 0;     // of the peer
  std::uint64_t pinged = 0;    // by us
};

class connection;
using session = task_function<task<void>(connection&)>;

// What a connection is about, once it is agreed on.
struct opened {
  std::shared_ptr<const settings> to;
  granted_handshake granted = {};
  session talk = {};
};

class connection {
 public:
  class send_awaiter;

  // For run_session().
  connection(context& parent, http::upgraded& raw, role own, std::shared_ptr<const opened> with);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // The next message. A failure is the end, but for the caller's own deadline or cancellation: then receiving can go
  // on. errc::closed: one side has closed, see peer_close(); errc::protocol: the peer broke the protocol, errc::limit:
  // sent too large a message, both have been told so; errc::timed_out: no sign of life; errc::reset as the network
  // says.
  task<result<message>> receive();
  // Receives and drops whatever comes until the end; for sessions that only send.
  task<result<void>> until_closed();

  // Queues a message; waits for room when settings::when_slow says so, until the context's deadline. errc::limit: it
  // was not queued, because of a slow peer or its own size; errc::invalid_argument: text that is not UTF-8;
  // errc::closed after either side's Close. `payload` is needed until this has completed.
  [[nodiscard]] send_awaiter send(message_kind kind, std::string_view payload);
  // The same without waiting: errc::limit under slow_reader::wait when there is no room. To send to many.
  [[nodiscard]] result<void> try_send(message_kind kind, std::string_view payload);

  // Says Close behind what is queued; nothing can be sent afterwards. receive() goes on until the peer has answered, or
  // close_timeout is over. Again: does nothing. `code` must be no_code or may_be_sent().
  void close(close_code code = close_code::normal, std::string_view reason = {});
  bool closing() const { return close_sent_ || ended_; }

  // What the peer's Close said.
  const std::optional<close_frame>& peer_close() const { return peer_close_; }
  // Why it has ended, as receive() says it; none while it is open.
  const std::optional<error>& failure() const { return ended_; }
  const std::string& protocol() const { return with_->granted.protocol; }  // the subprotocol agreed on; empty: none
  bool compresses() const { return with_->granted.deflate.has_value(); }
  const connection_counters& counters() const { return counters_; }
  std::size_t queued_bytes() const { return writer().pending_bytes(); }

  // For run_session(), once the session has returned: closes, and waits for all that was started.
  task<void> finish();
  // After it: the peer has not said that it sends no more.
  bool peer_may_send() const { return !peer_close_ && !stream_over_; }

 private:
  class listening;
  struct flush_watch;
  struct flush_end;
  struct flush_node : ready_node {
    explicit flush_node(connection* self) : ready_node(&on_ready), owner(self) {}
    static void on_ready(ready_node& node) noexcept { static_cast<flush_node&>(node).owner->flush(); }
    connection* owner;
  };

  // connection.cpp: what is received
  std::optional<message> take_received(std::string_view input);
  std::optional<message> take_kept();
  std::optional<message> take_from(std::string_view& input);
  void answer_ping(std::string_view payload);
  void on_close(std::string_view payload);
  void on_violation(violation why);
  void end(const error& why);
  bool writer_has_failed();
  void wake() noexcept;

  // connection_clock.cpp: when what is due
  duration clock() const;
  instant due(duration at) const { return saturating_add(clock_zero_, at); }
  instant act_on_time();
  void mark_message(bool in_progress);

  // connection_send.cpp: what is sent
  std::optional<result<void>> offer(message_kind kind, std::string_view payload);
  bool fits(std::size_t size_bytes);
  bool has_room(std::size_t size_bytes);
  std::size_t size_bound(std::string_view payload) const;
  void append_message(message_kind kind, std::string_view payload);
  void append(frame_header header, std::string_view payload);
  void request_flush();
  void flush();
  static flush_watch watch_flush(connection* self);
  void on_flushed();
  task<void> last_flush();

  net::writer& writer() const { return raw_.writer(); }
  instant now() const { return ctx_.on->turn_time(); }
  const settings& limits() const { return *with_->to; }

  context& ctx_;  // of its session
  http::upgraded& raw_;
  std::shared_ptr<const opened> with_;
  message_decoder decoder_;
  std::unique_ptr<deflater> deflater_;  // with a kept context
  std::string kept_;                    // received behind a message, and not yet decoded
  std::size_t kept_at_ = 0;             // up to here it is
  flush_node flush_;
  queue_meter meter_;
  intrusive_list<send_awaiter> waiting_;    // first come, first served
  std::unique_ptr<std::string> owed_pong_;  // to the last ping that came while the queue was full
  role own_;
  bool watching_ = false;                // watch_flush() waits
  std::coroutine_handle<> last_waiter_;  // for its end
  bool close_sent_ = false;
  bool stream_over_ = false;
  bool says_goodbye_ = false;  // the peer is there to hear what is still queued
  std::optional<close_frame> peer_close_;
  std::optional<error> ended_;
  instant close_deadline_ = never;
  cancel_scope* waking_ = nullptr;  // while receive() waits

  // Time as the peer is judged by: it stands still while nobody receives.
  instant clock_zero_;
  duration listened_ = duration::zero();
  bool listening_ = false;
  duration heard_at_ = duration::zero();
  duration active_at_ = duration::zero();  // the last message either way
  std::optional<duration> message_began_;
  std::optional<duration> pinged_at_;

  connection_counters counters_;
};

// For endpoint and connect(): the whole life of a connection on `raw`. What the session threw comes out at the end.
task<void> run_session(http::upgraded& raw, role own, const std::shared_ptr<const opened>& with);

class connection::send_awaiter : assay::detail::wait_guard, ready_node, list_node {
 public:
  send_awaiter(connection& to, message_kind kind, std::string_view payload)
      : wait_guard(&on_give_up), ready_node(&on_ready), to_(to), kind_(kind), payload_(payload) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    context& ctx = *self.promise().ctx;
    if (!admit(ctx)) return false;
    outcome_ = to_.offer(kind_, payload_);
    if (outcome_) return false;
    on_ = ctx.on;
    waiter_ = self;
    to_.waiting_.push_back(*this);
    arm(ctx, ctx.deadline, "room to send");
    return true;
  }
  result<void> await_resume() const {
    if (outcome_) return *outcome_;
    // A connection that fails cancels whoever is on it: why it failed says more.
    if (to_.ended_ || to_.writer_has_failed()) return std::unexpected(*to_.ended_);
    return std::unexpected(failure("websocket send"));
  }

 private:
  friend class connection;
  friend class intrusive_list<send_awaiter>;

  // Off the list already.
  void settle(const result<void>& outcome) {
    outcome_ = outcome;
    disarm();
    on_->schedule(*this);
  }
  static void on_ready(ready_node& node) noexcept { static_cast<send_awaiter&>(node).wake(); }
  void wake() const { resume(waiter_); }
  static void on_give_up(wait_guard& guard) noexcept {
    auto& self = static_cast<send_awaiter&>(guard);
    self.unlink();
    self.disarm();
    self.on_->schedule(self);
  }

  connection& to_;
  message_kind kind_;
  std::string_view payload_;
  std::optional<result<void>> outcome_;
  loop* on_ = nullptr;
  std::coroutine_handle<> waiter_;
};

inline connection::send_awaiter connection::send(message_kind kind, std::string_view payload) {
  return {*this, kind, payload};
}

}  // namespace assay::websocket
