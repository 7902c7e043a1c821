// Retries around the exchanges with one host.
//
//   const auto again = std::make_shared<guard::retry::policy>(guard::retry::options{.max_attempts = 3});
//   const guard::exchange ask = guard::compose({guard::retry::layer(again), guard::breaker::layer(gate),
//                                               guard::timeout::attempt_layer(each)}, guard::exchange_of(shop));
//
// A request may go again when its method is idempotent or it carries an Idempotency-Key: http::may_resend. The outcome
// is that of the last attempt. Where balance is inside, each goes to a host that has not had it, while there is a
// usable one. Without a timeout of an attempt inside, one that hangs takes all the time there is.
//
// Misuse: an Idempotency-Key made anew inside of this layer: to the server each attempt is then another request.
#pragma once

#include <memory>

#include "stack/guard/layer.hpp"
#include "stack/guard/retry/policy.hpp"

namespace assay::guard::retry {

exchange_layer layer(std::shared_ptr<policy> again);

}  // namespace assay::guard::retry
