// A circuit breaker around the exchanges with one host.
//
//   const auto gate = std::make_shared<guard::breaker::policy>(guard::breaker::options{});
//   const guard::exchange ask = guard::compose({guard::breaker::layer(gate)}, guard::exchange_of(shop));
//   result<http::client_response> got = co_await ask({.target = "/items/7"});
//
// While it is open an exchange fails with errc::limit without touching the network; gate->retry_after() says for how
// long. A server that answers its own client with that maps to 503.
//
// Misuse: outside of a retry layer. It would see one failure where there were three, and retries would hammer on.
#pragma once

#include <memory>

#include "stack/guard/breaker/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::breaker {

exchange_layer layer(std::shared_ptr<policy> gate);

}  // namespace assay::guard::breaker
