#include "stack/guard/adaptive/layer.hpp"

#include <utility>

#include "stack/guard/hold.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::guard::adaptive {
namespace {

struct shared {
  std::shared_ptr<policy> limit;
  std::shared_ptr<shed::policy> admission;
};

// In this order: the ticket goes before the policy may go.
struct held_ticket {
  std::shared_ptr<const shared> with;
  ticket mine;
};

void tell(ticket& mine, int status, instant now) {
  if (status < 400) mine.done(now);
  if (status == 499 || status == 504) mine.cut(now);
}

task<http::response> serve(std::shared_ptr<const shared> with, http::handler next, http::request& asked) {
  const context& ctx = co_await this_context();
  held_ticket held{.with = with, .mine = with->limit->begin(ctx.on->turn_time())};
  http::response reply = co_await next(asked);
  tell(held.mine, reply.status, ctx.on->turn_time());
  with->admission->limit_to(with->limit->limit());
  hold_during_stream(reply, std::move(held));
  co_return reply;
}

}  // namespace

handler_layer layer(std::shared_ptr<policy> limit, std::shared_ptr<shed::policy> admission) {
  admission->limit_to(limit->limit());
  return [with = std::make_shared<const shared>(std::move(limit), std::move(admission))](
             http::handler next) -> http::handler {
    return
        [with, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(with, next, asked); };
  };
}

}  // namespace assay::guard::adaptive
