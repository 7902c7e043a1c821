#include "stack/http/server.hpp"

#include <cerrno>

#include "stack/http/connection.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::http {
namespace {

// How long to wait before accepting again when the system is out of descriptors or memory: closing
// connections is what helps, and that takes a moment.
constexpr duration accept_pause = std::chrono::milliseconds(50);

task<result<net::stream>> accept_one(net::listener& from) { co_return co_await from.accept(); }

task<result<permit>> acquire_slot(semaphore& slots) { co_return co_await slots.acquire(); }

}  // namespace

struct server::state {
  state(handler serve, server_limits limits, refusal_listener on_refused, std::function<void()> when_draining)
      : slots(limits.max_connections, 1), on_drain(std::move(when_draining)), alarm(this) {
    shared.serve = std::move(serve);
    shared.limits = limits;
    shared.on_refused = std::move(on_refused);
  }

  task<result<void>> serve_stream(net::stream peer, permit slot);
  task<result<void>> accept_all(net::listener& from, scope& connections, context& accepting);
  task<void> cut_late();
  void drain();

  struct drain_alarm : timer_node {
    explicit drain_alarm(state* of) : timer_node(&on_time), owner(of) {}
    static void on_time(timer_node& node) noexcept { static_cast<drain_alarm&>(node).owner->drain(); }
    state* owner;
  };

  detail::shared_state shared;
  semaphore slots;
  intrusive_list<detail::connection> live;
  std::size_t live_count = 0;
  cancel_scope* accepting = nullptr;  // while run() accepts
  loop* on = nullptr;                 // as long
  std::function<void()> on_drain;
  drain_alarm alarm;
};

server::server(handler serve, server_limits limits, refusal_listener on_refused, std::function<void()> on_drain)
    : state_(std::make_unique<state>(std::move(serve), limits, std::move(on_refused), std::move(on_drain))) {}
server::~server() = default;

const server_counters& server::counters() const { return state_->shared.counters; }
std::size_t server::live_connections() const { return state_->live_count; }

void server::drain() { state_->drain(); }

void server::drain_after(duration span) {
  if (state_->alarm.armed() || state_->shared.draining) return;
  if (span <= duration::zero() || state_->on == nullptr) return drain();
  state_->on->timers().arm(state_->alarm, saturating_add(state_->on->now(), span));
}

void server::state::drain() {
  if (std::exchange(shared.draining, true)) return;
  if (alarm.armed()) on->timers().disarm(alarm);
  if (accepting != nullptr) accepting->cancel(cancel_reason::shutdown);
  live.for_each([](detail::connection& each) { each.end_when_idle(); });
  if (on_drain) on_drain();
}

// Its steps are its own, not one behind another: a connection that is handed over may live for days, and each step that
// waits costs it memory.
task<result<void>> server::state::serve_stream(net::stream peer, permit slot) {
  detail::connection served(shared, co_await this_context(), std::move(peer));
  live.push_back(served);
  live_count++;
  shared.counters.connections++;
  co_await served.run();
  if (served.leaves_http()) co_await with_context(served.own_context(), served.serve_upgraded());
  co_await served.finish();
  served.unlink();
  live_count--;
  slot.release();
  co_return result<void>{};  // what goes wrong on a connection is no failure of the server
}

task<result<void>> server::state::accept_all(net::listener& from, scope& connections, context& accepting_ctx) {
  while (!shared.draining && !accepting_ctx.cancel->cancelled()) {
    result<permit> slot = co_await with_context(accepting_ctx, acquire_slot(slots));
    if (!slot) break;  // asked to stop
    result<net::stream> peer = co_await with_context(accepting_ctx, accept_one(from));
    if (peer) {
      connections.spawn(serve_stream(std::move(*peer), std::move(*slot)));
      continue;
    }
    if (peer.error().code == errc::cancelled) break;
    if (peer.error().code == errc::reset) continue;  // the client was gone before it was accepted
    if (net::accepting_is_over(peer.error())) co_return std::unexpected(peer.error());
    std::ignore = co_await with_context(accepting_ctx, delay_for(accept_pause));
  }
  co_return result<void>{};
}

task<void> server::state::cut_late() {
  const result<void> waited = co_await delay_for(shared.limits.drain_timeout);
  if (!waited) co_return;  // every connection has ended before
  // Cutting only asks, and each counts itself: no connection leaves the list while it is walked.
  live.for_each([](detail::connection& each) { each.cut(cancel_reason::shutdown); });
}

task<result<void>> server::run(net::listener from) {
  context& ctx = co_await this_context();
  scope connections(ctx);
  cancel_scope accepting(*ctx.cancel);
  context accepting_ctx = ctx;
  accepting_ctx.cancel = &accepting;

  state_->accepting = &accepting;
  state_->on = ctx.on;
  result<void> ended = co_await state_->accept_all(from, connections, accepting_ctx);
  state_->accepting = nullptr;
  from.close();
  drain();
  state_->on = nullptr;

  scope late(ctx);
  late.spawn(state_->cut_late());
  const result<void> joined = co_await connections.join();
  late.cancel(cancel_reason::user);
  std::ignore = co_await late.join();  // it cannot fail
  co_return ended ? joined : ended;
}

}  // namespace assay::http
