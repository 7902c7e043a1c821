// Sheds in front of a handler: 503 with Retry-After for what is not admitted. A layer is called when a request's head
// has been parsed, so an idle connection holds no place and a refused body is not read.
//
// Misuse: a layer outside of this one that reads bodies or asks a database: it would work for what is then refused.
#pragma once

#include <memory>

#include "stack/guard/layer.hpp"
#include "stack/guard/shed/policy.hpp"

namespace assay::guard::shed {

// A place is held until the handler has ended, and its stream when there is one.
handler_layer layer(std::shared_ptr<policy> admission);

}  // namespace assay::guard::shed
