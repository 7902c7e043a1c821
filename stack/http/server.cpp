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
  state(handler serve, server_limits limits) : slots(limits.max_connections, 1) {
    shared.serve = std::move(serve);
    shared.limits = limits;
  }

  task<void> serve_stream(context& ctx, net::stream peer, permit slot);
  task<result<void>> accept_all(net::listener& from, scope& connections, context& accepting);
  task<void> cut_late();

  detail::shared_state shared;
  semaphore slots;
  intrusive_list<detail::connection> live;
  std::size_t live_count = 0;
  cancel_scope* accepting = nullptr;  // while run() accepts
};

server::server(handler serve, server_limits limits) : state_(std::make_unique<state>(std::move(serve), limits)) {}
server::~server() = default;

const server_counters& server::counters() const { return state_->shared.counters; }
std::size_t server::live_connections() const { return state_->live_count; }

void server::drain() {
  if (std::exchange(state_->shared.draining, true)) return;
  if (state_->accepting != nullptr) state_->accepting->cancel(cancel_reason::shutdown);
  state_->live.for_each([](detail::connection& each) { each.end_when_idle(); });
}

task<void> server::state::serve_stream(context& ctx, net::stream peer, permit slot) {
  detail::connection served(shared, ctx, std::move(peer));
  live.push_back(served);
  live_count++;
  shared.counters.connections++;
  co_await served.run();
  served.unlink();
  live_count--;
  slot.release();
}

task<result<void>> server::state::accept_all(net::listener& from, scope& connections, context& accepting_ctx) {
  while (!shared.draining && !accepting_ctx.cancel->cancelled()) {
    result<permit> slot = co_await with_context(accepting_ctx, acquire_slot(slots));
    if (!slot) break;  // asked to stop
    result<net::stream> peer = co_await with_context(accepting_ctx, accept_one(from));
    if (peer) {
      connections.spawn(serve_stream(connections.child_context(), std::move(*peer), std::move(*slot)));
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
  result<void> ended = co_await state_->accept_all(from, connections, accepting_ctx);
  state_->accepting = nullptr;
  from.close();
  drain();

  scope late(ctx);
  late.spawn(state_->cut_late());
  const result<void> joined = co_await connections.join();
  late.cancel(cancel_reason::user);
  std::ignore = co_await late.join();  // it cannot fail
  co_return ended ? joined : ended;
}

}  // namespace assay::http
