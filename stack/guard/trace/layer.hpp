// Puts a request's ids into the context of what comes next, and from there into the requests that it sends.
//
//   const auto ids = std::make_shared<guard::trace::policy>(guard::trace::options{.seed = 7 + index});
//   guard::compose({guard::trace::layer(ids), guard::access_log::layer(lines)}, handler)
//   guard::compose({guard::trace::sending_layer(), guard::retry::layer(again)}, guard::exchange_of(shop))
//
// The outermost layer of a server but drain: what it does not see has no ids in its log lines. The answer carries
// x-request-id, so that whoever complains can say of what. A connection that leaves HTTP is no request any more: what
// it does has no ids.
//
// Misuse: a task that outlives the request and keeps its context; see context.hpp.
#pragma once

#include <memory>

#include "stack/guard/layer.hpp"
#include "stack/guard/trace/policy.hpp"

namespace assay::guard::trace {

handler_layer layer(std::shared_ptr<policy> ids);

// traceparent, tracestate and x-request-id of the context, in place of those that are there. The parent is the
// request's own span: its attempts are not told apart. Outside of a trace nothing is sent, and nothing taken away.
exchange_layer sending_layer();

}  // namespace assay::guard::trace
