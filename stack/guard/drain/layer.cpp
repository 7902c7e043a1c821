#include "stack/guard/drain/layer.hpp"

#include <string>
#include <utility>

#include "stack/guard/hold.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::drain {
namespace {

struct shared {
  std::shared_ptr<policy> gate;
  readiness_check readiness;
  http::response refusal;  // made once
};

// In this order: the visit ends before the policy may go.
struct held_visit {
  std::shared_ptr<const shared> with;
  visit mine;
};

http::response health(bool good) {
  if (good) return http::response::json(R"({"status":"ok"})");
  http::response unready = http::response::json(R"({"status":"unavailable"})", 503);
  unready.reason = "not_ready";
  return unready;
}

// In JSON, as all else at these paths.
http::response not_allowed() {
  http::response refused = http::response::json(R"({"error":"method_not_allowed"})", 405);
  refused.reason = "method_not_allowed";
  refused.headers.emplace_back("allow", "GET, HEAD");
  return refused;
}

task<bool> is_ready(const shared& with) {
  if (with.gate->now_is() != state::ready) co_return false;
  if (!with.readiness) co_return true;
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), with.gate->settings().readiness_limit);
  const result<void> found = co_await with_deadline(limit, with.readiness());
  // It may have begun to drain meanwhile.
  co_return found.has_value() && with.gate->now_is() == state::ready;
}

task<http::response> answer(std::shared_ptr<const shared> with, http::handler next, http::request& asked) {
  policy& gate = *with->gate;
  const bool is_live_check = asked.path() == gate.settings().live_path;
  if (is_live_check || asked.path() == gate.settings().ready_path) {
    if (asked.verb() != http::method::get && asked.verb() != http::method::head) co_return not_allowed();
    if (is_live_check) co_return health(gate.now_is() != state::stopped);
    const bool ready = co_await is_ready(*with);
    if (!ready) gate.on_unready();
    co_return health(ready);
  }
  if (!gate.serves()) {
    gate.on_refused();
    co_return with->refusal;
  }
  held_visit held{.with = with, .mine = gate.enter()};
  http::response reply = co_await next(asked);
  hold_during_stream(reply, std::move(held));
  co_return reply;
}

task<http::response> serve(std::shared_ptr<const shared> with, http::handler next, http::request& asked) {
  const context& ctx = co_await this_context();
  http::response reply = co_await answer(with, next, asked);
  // A connection that is taken out of HTTP is told by the server.
  if (with->gate->closes(ctx.on->turn_time()) && !reply.close && !reply.upgrade) {
    reply.close = true;
    with->gate->on_close();
  }
  co_return reply;
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> gate, readiness_check readiness) {
  http::response refusal = http::response::refused(503, "not_in_service", "not in service");
  const auto seconds = retry_after_seconds(gate->settings().retry_after);
  refusal.headers.emplace_back("retry-after", std::to_string(seconds));
  return [with = std::make_shared<const shared>(std::move(gate), std::move(readiness), std::move(refusal))](
             http::handler next) -> http::handler {
    return
        [with, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(with, next, asked); };
  };
}

}  // namespace assay::guard::drain
