// A cache of answers, around a handler or around exchanges.
//
//   guard::cache::layer(store)        // innermost but for the handler: behind what checks credentials
//   guard::cache::call_layer(store)   // outside of retry and breaker: an open circuit is a reason for an old answer
//
// For GET and HEAD; key.hpp says which requests go past it, policy.hpp what is kept. An answer from here carries Age.
// When the call fails, or is answered 5xx, an old answer is given in its place where there is one: also to a caller
// whose deadline has just passed, since it may have kept a moment to tell of it.
//
// Streams are neither kept nor shared. The first caller's answer is given to all who waited for it, cookies and private
// ones excepted.
//
// Misuse: one policy around two services, or around handlers for two hosts that answer the same Host field differently.
#pragma once

#include <memory>

#include "stack/guard/cache/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::cache {

handler_layer layer(std::shared_ptr<policy> store);
exchange_layer call_layer(std::shared_ptr<policy> store);

}  // namespace assay::guard::cache
