// A bulkhead around what belongs to one part of a service.
//
//   guard::bulkhead::layer(reports, guard::bulkhead::under("/reports"))   // these requests; 503 for what finds no
//   place guard::bulkhead::call_layer(shop)                                     // exchanges; errc::limit, which nobody
//   retries
//
// A place is held until the handler has ended, and its stream when there is one; around an exchange until its outcome
// is there. Around an exchange it stands outside of retries: a caller that pauses before one is as stuck as one that
// waits for an answer, and it is callers that a slow dependency takes away.
//
// Misuse: one policy for two parts that do not share what is slow. The healthy one is refused for the sake of the
// other.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "stack/guard/bulkhead/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::bulkhead {

// Whether a request belongs to the part.
using selection = std::function<bool(const http::request&)>;
// Those with this path, and all below it: "/a" selects "/a" and "/a/b", not "/ab".
selection under(std::string path);

// Around all requests when `belongs` is empty.
handler_layer layer(std::shared_ptr<policy> part, selection belongs = {});
exchange_layer call_layer(std::shared_ptr<policy> part);

}  // namespace assay::guard::bulkhead
