// Tells of every request that reaches it: when its handler has ended, or its stream where there is one.
//
//   const auto lines = guard::access_log::policy::create(&log, metrics, metrics.add_shard(), by_router(routes));
//   guard::compose({guard::trace::layer(ids), guard::access_log::layer(*lines), guard::shed::layer(admission)}, hello)
//
// Inside of trace, so that its lines have ids, and outside of all that refuses. An exception of the handler is told
// with its text, and goes on to the server, which answers 500. What the server itself refuses never gets here; it is
// told by policy::on_refused.
//
// Misuse: inside of shed or rate_limit. What they refuse would be neither logged nor counted, and an overload look like
// a quiet hour.
#pragma once

#include <memory>

#include "stack/guard/access_log/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::access_log {

handler_layer layer(std::shared_ptr<policy> to);

}  // namespace assay::guard::access_log
