// The sending side of a connection: a bounded queue in front of the writer, and what becomes of a slow reader.
#include <exception>
#include <utility>

#include "stack/http/websocket/connection.hpp"
#include "stack/http/websocket/random.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::websocket {
namespace {

// What nothing could be compressed in grows by a few bytes a block.
std::size_t most_growth(std::size_t size_bytes) { return size_bytes / 32 + 64; }

error refused(errc code, const char* why) { return {.code = code, .what = why}; }

task<void> give_up_late(net::writer& late, instant at) {
  const result<void> waited = co_await delay_until(at);
  if (waited) late.give_up(cancel_reason::deadline);
}

}  // namespace

result<void> connection::try_send(message_kind kind, std::string_view payload) {
  const std::optional<result<void>> outcome = offer(kind, payload);
  return outcome ? *outcome : std::unexpected(refused(errc::limit, "websocket queue is full"));
}

// Queues a message, or says why not; nothing when it has to wait.
std::optional<result<void>> connection::offer(message_kind kind, std::string_view payload) {
  if (ended_ || writer_has_failed()) return std::unexpected(*ended_);
  if (close_sent_) return std::unexpected(refused(errc::closed, "websocket send after Close"));
  const std::size_t size_bytes = size_bound(payload);
  if (size_bytes > limits().max_queued_bytes) {
    return std::unexpected(refused(errc::limit, "message larger than max_queued_bytes"));
  }
  if (kind == message_kind::text && !is_utf8(payload)) {
    return std::unexpected(refused(errc::invalid_argument, "text is not UTF-8"));
  }
  if (has_room(size_bytes)) {
    append_message(kind, payload);
    return result<void>{};
  }
  switch (limits().when_slow) {
    case slow_reader::wait:
      break;
    case slow_reader::skip:
      counters_.skipped++;
      return std::unexpected(refused(errc::limit, "skipped: the peer reads too slowly"));
    case slow_reader::close:
      close(limits().slow_code, "reading too slowly");
      return std::unexpected(refused(errc::limit, "closed: the peer reads too slowly"));
  }
  return std::nullopt;
}

std::size_t connection::size_bound(std::string_view payload) const {
  return payload.size() + max_frame_header_bytes + (with_->granted.deflate ? most_growth(payload.size()) : 0);
}

bool connection::fits(std::size_t size_bytes) {
  const std::size_t pending = writer().pending_bytes();
  return pending + size_bytes <= limits().max_queued_bytes && meter_.queued(pending) < limits().max_queued_messages;
}

// Nobody overtakes those who wait.
bool connection::has_room(std::size_t size_bytes) {
  if (!waiting_.empty()) return false;
  if (!fits(size_bytes) && flush_.queued) flush();  // perhaps it only waits for the end of this turn
  return fits(size_bytes);
}

void connection::append_message(message_kind kind, std::string_view payload) {
  counters_.sent++;
  active_at_ = clock();
  frame_header header{.what = kind == message_kind::text ? opcode::text : opcode::binary};
  const deflate_options& how = limits().deflate;
  if (!with_->granted.deflate || with_->granted.deflate->send_window_bits < least_deflate_window_bits ||
      payload.size() < how.least_bytes) {
    return append(header, payload);
  }
  std::unique_ptr<deflater> packer = std::move(deflater_);
  if (!packer) packer = std::make_unique<deflater>(with_->granted.deflate->send_window_bits, how.level);
  std::string packed;
  packer->add(payload, packed);
  header.compressed = true;
  append(header, packed);
  if (with_->granted.deflate->send_takeover) deflater_ = std::move(packer);
}

void connection::append(frame_header header, std::string_view payload) {
  header.masked = own_ == role::client;
  if (header.masked) header.key = random_mask();
  const std::size_t before = writer().buffer().size();
  append_frame(writer().buffer(), header, payload);
  meter_.on_append(writer().buffer().size() - before);
  request_flush();
}

// At the end of what is ready to run in this turn: what is sent until then leaves together.
void connection::request_flush() {
  if (!flush_.queued) ctx_.on->schedule(flush_);
}

// A task of the connection's own that lives while something is in flight. A scope for it would cost every idle
// connection what it needs for children of all kinds; this one is waited for in last_flush().
struct connection::flush_watch {
  struct promise_type : task_record {
    explicit promise_type(connection* self) : own(self->ctx_) {
      own.task = this;
      where = std::source_location::current();
      parent = self->ctx_.task;
      since = self->now();
      own.on->add(*this);
    }
    ~promise_type() { own.on->remove(*this); }
    static void* operator new(std::size_t size_bytes) { return assay::detail::allocate_frame(size_bytes); }
    static void operator delete(void* frame, std::size_t size_bytes) noexcept {
      assay::detail::free_frame(frame, size_bytes);
    }
    flush_watch get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }

    context own;
    context* ctx = &own;
  };
};

connection::flush_watch connection::watch_flush(connection* self) {
  self->watching_ = true;
  const result<void> sent = co_await self->writer().flushed();
  self->watching_ = false;
  if (sent) {
    self->on_flushed();
  } else {
    self->end(sent.error());
  }
  if (!self->last_waiter_) co_return;
  // The last thing it does: the connection may go now.
  self->ctx_.on->enter(self->ctx_.task);
  std::exchange(self->last_waiter_, {}).resume();
}

struct connection::flush_end {
  connection* self;
  bool await_ready() const noexcept { return !self->watching_; }
  void await_suspend(std::coroutine_handle<> waiter) const noexcept { self->last_waiter_ = waiter; }
  void await_resume() const noexcept {}
};

void connection::flush() {
  writer().kick(saturating_add(now(), limits().write_timeout));
  if (writer().failed()) return end(*writer().failure());
  if (!writer().in_flight()) return on_flushed();
  if (!watching_) watch_flush(this);
}

// Waits for what is on its way, our last words among it, as long as for the answer to a Close.
task<void> connection::last_flush() {
  scope late(co_await this_context());
  late.spawn(give_up_late(writer(), saturating_add(now(), limits().close_timeout)));
  co_await flush_end{this};
  late.cancel(cancel_reason::user);
  std::ignore = co_await late.join();  // it does not fail
}

// All is with the kernel: whoever waited goes on, as far as there is room again.
void connection::on_flushed() {
  writer().shrink(0);
  if (closing()) return;
  if (const auto owed = std::move(owed_pong_)) append({.what = opcode::pong}, *owed);
  while (!waiting_.empty() && fits(size_bound(waiting_.front().payload_))) {
    send_awaiter& first = *waiting_.pop_front();
    append_message(first.kind_, first.payload_);
    first.settle(result<void>{});
  }
}

}  // namespace assay::websocket
