// One exchange over several hosts.
//
//   const auto among = std::make_shared<guard::balance::policy>(guard::balance::options{}, names);
//   const guard::exchange ask = guard::balance::over(among, {guard::exchange_of(a), guard::exchange_of(b)});
//
// Outside of what belongs to one host (the timeout of an attempt, its client), inside of retries: a retry is then a new
// choice, and leaves out the hosts that have had this request (http::client_request::asked) while there is another.
// Health checks run beside it, see checks.hpp.
//
// Misuse: clients of one host under several names. It has several turns then, and fails several times over.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stack/guard/balance/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::balance {

// What a request sticks to; a view of the request. Empty: to nothing.
using key_function = std::function<std::string_view(const http::client_request&)>;
// The value of the first field of that name.
key_function by_field(std::string name);

// The hosts in the order of their names; `key_of` is for method::sticky.
exchange over(std::shared_ptr<policy> among, std::vector<exchange> hosts, key_function key_of = {});

}  // namespace assay::guard::balance
