// What a policy is wrapped in: a layer takes what comes next and returns the same kind of thing, guarded.
//
//   const auto admission = std::make_shared<guard::shed::policy>(guard::shed::options{.max_in_flight = 64});
//   const http::handler serve = guard::compose({guard::shed::layer(admission), guard::timeout::layer(limit)}, hello);
//
// Each policy is a folder of the same shape: options with check(), counters, a policy that holds the state and knows
// no clock, and layer(), which asks the policy at the right moments. Its state belongs to one loop, without a
// lock; only the keys of idempotency are the process's. http::serve with a handler_maker makes a chain for each loop.
//
// The order on a server, outermost first; chain/server.hpp makes it of one struct of options:
//
//   drain -> id and trace, access log, metrics -> shed -> rate limit -> timeout -> bulkheads -> idempotency -> auth ->
//   cache -> adaptive -> handler
//
// Whatever refuses is seen by logs and metrics, the cheapest refusal comes first, and a key is reserved only by a
// request that will be carried out. The order on a client, outermost first; chain/client.hpp:
//
//   ids -> deadline of the call -> cache -> bulkhead -> retry -> breaker, or balance -> timeout of an attempt ->
//   http::client
//
// The breaker judges each attempt, since each is evidence about the host, and stops the retries against a host that it
// has given up; the remaining time is told to the server anew with each attempt. docs/decisions/0010-guards.md.
//
// Misuse: one policy object in the chains of two loops. Nothing stops it, and its state would be torn.
#pragma once

#include <functional>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "stack/http/client.hpp"
#include "stack/http/handler.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::guard {

// One exchange of a client: a request out, a response or a failure back.
using exchange = task_function<task<result<http::client_response>>(http::client_request)>;

using handler_layer = std::function<http::handler(http::handler next)>;
using exchange_layer = std::function<exchange(exchange next)>;

// The layers around `innermost`; the first sees a request first and its answer last.
template <class Innermost>
Innermost compose(std::initializer_list<std::function<Innermost(Innermost)>> outermost_first, Innermost innermost) {
  for (auto each = std::rbegin(outermost_first); each != std::rend(outermost_first); ++each) {
    innermost = (*each)(std::move(innermost));
  }
  return innermost;
}

// The exchange that all others end in; `to` must outlive it.
inline exchange exchange_of(http::client& to) {
  return [&to] ASSAY_CORO_WRAPPER(http::client_request request) { return to.send(std::move(request)); };
}

}  // namespace assay::guard
