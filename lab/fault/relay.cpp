#include "lab/fault/relay.hpp"

#include "stack/runtime/delay.hpp"

namespace assay::fault {
namespace {

// After accept() failed for want of something: until it may be there again.
constexpr duration accept_pause = std::chrono::milliseconds(50);

}  // namespace

struct relay::connection : list_node {
  net::stream client;
  net::stream upstream;
  scope* carrying = nullptr;
  bool reply_due = false;  // the client has spoken, and the reply has not begun

  ~connection() {
    if (linked()) unlink();
  }
  void cut() {
    if (carrying != nullptr) carrying->cancel(cancel_reason::shutdown);
  }
};

task<result<void>> relay::run(net::listener from) {
  // Two scopes: one that is being joined takes no new children.
  scope serving(co_await this_context());
  scope accepting(co_await this_context());
  accepting_ = &accepting;
  accepting.spawn(accept_all(&from, &serving));
  const result<void> ended = co_await accepting.join();
  accepting_ = nullptr;
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();
  // stop() is how it is meant to end.
  if (!ended && ended.error().code == errc::cancelled) co_return result<void>{};
  co_return ended;
}

task<result<void>> relay::accept_all(net::listener* from, scope* serving) {
  while (true) {
    result<net::stream> accepted = co_await from->accept();
    if (!accepted) {
      if (net::accepting_is_over(accepted.error())) co_return std::unexpected(accepted.error());
      if (accepted.error().code == errc::reset) continue;  // the client was gone before it was accepted
      if (const result<void> waited = co_await delay_for(accept_pause); !waited) co_return waited;
      continue;
    }
    if (outage_ || live_ >= options_.max_connections) {
      counters_.refused++;
      continue;  // its stream closes here
    }
    counters_.connections++;
    serving->spawn(serve(std::move(*accepted)));
  }
}

task<void> relay::serve(net::stream client) {
  live_++;
  connection here;
  here.client = std::move(client);
  const loop& on = *(co_await this_context()).on;
  result<net::stream> opened =
      co_await net::connect(options_.upstream, saturating_add(on.turn_time(), options_.connect_timeout));
  if (!opened || outage_) {
    if (!opened) counters_.upstream_failures++;
    live_--;
    co_return;
  }
  here.upstream = std::move(*opened);
  scope carrying(co_await this_context());
  here.carrying = &carrying;
  open_.push_back(here);
  carrying.spawn(carry_requests(&here));
  carrying.spawn(carry_replies(&here));
  std::ignore = co_await carrying.join();  // either end closing is how connections end
  here.carrying = nullptr;
  live_--;
}

task<result<void>> relay::carry_requests(connection* on) {
  while (true) {
    result<net::chunk> some = co_await on->client.recv();
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) break;
    on->reply_due = true;
    if (const result<void> sent = co_await on->upstream.send_all(some->bytes()); !sent) co_return sent;
  }
  on->upstream.shutdown_write();
  co_return result<void>{};
}

duration relay::delay_of_reply(connection& on) {
  if (!std::exchange(on.reply_due, false)) return duration::zero();
  return draw(latency_, random_);
}

task<result<void>> relay::carry_replies(connection* on) {
  while (true) {
    result<net::chunk> some = co_await on->upstream.recv();
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) break;
    if (const duration held = delay_of_reply(*on); held > duration::zero()) {
      counters_.delayed++;
      // Kept in memory of our own: the lent buffers are few, and all relays of the loop receive into them.
      const std::string kept(some->bytes());
      some->release();
      if (const result<void> waited = co_await delay_for(held); !waited) co_return waited;
      if (const result<void> sent = co_await on->client.send_all(kept); !sent) co_return sent;
      continue;
    }
    if (const result<void> sent = co_await on->client.send_all(some->bytes()); !sent) co_return sent;
  }
  on->client.shutdown_write();
  co_return result<void>{};
}

void relay::reset_connections() {
  while (!open_.empty()) {
    connection& each = open_.front();
    each.unlink();
    counters_.cut++;
    each.cut();
  }
}

void relay::set_outage(bool on) {
  outage_ = on;
  if (on) reset_connections();
}

void relay::clear() {
  latency_ = {};
  outage_ = false;
}

void relay::stop() {
  if (accepting_ != nullptr) accepting_->cancel(cancel_reason::shutdown);
}

}  // namespace assay::fault
