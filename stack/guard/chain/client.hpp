// All layers of a client, from one struct of options, in the one right order: around one host, or around several.
//
//   const auto guards = guard::chain::client::make({.bulkhead = guard::bulkhead::options{.name = "shop"}}, {"a:80"});
//   guard::exchange ask = guards->around({guard::exchange_of(shop)});
//
//   observe -> deadline of the call -> cache -> bulkhead -> retry -> breaker, or balance over several hosts ->
//   timeout of an attempt -> host
//
// Why in this order: docs/decisions/0010-guards.md. On by default is all but the cache, which needs to know the
// answers, and the bulkhead, which needs a name.
//
// Misuse: one of these for two services. Their retries then share a budget, and the ill one's use it up.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/guard/balance/layer.hpp"
#include "stack/guard/breaker/layer.hpp"
#include "stack/guard/bulkhead/layer.hpp"
#include "stack/guard/cache/layer.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/retry/layer.hpp"
#include "stack/guard/timeout/layer.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::chain {

struct client_options {
  exchange_layer observe = {};                                  // ids that are sent, metrics
  timeout::options call = {.limit = std::chrono::seconds(10)};  // with all attempts
  std::optional<cache::options> cache = {};
  std::optional<bulkhead::options> bulkhead = {};
  retry::options retry = {};
  breaker::options breaker = {};  // of one host
  balance::options balance = {};  // of several
  balance::key_function sticky_key = {};
  timeout::options attempt = {.limit = std::chrono::seconds(3)};
};

// What each policy says of its options, and what they say of each other.
checked check(const client_options& given);

// The policies, for whoever shows their counters; empty are those that were not wanted.
class client {
 public:
  // For the hosts of these names, as balance::policy has them.
  static std::expected<client, std::string> make(client_options given, std::vector<std::string> hosts);

  // An exchange for each host, in the order of their names.
  exchange around(std::vector<exchange> hosts) const;

  const std::shared_ptr<timeout::policy> call;
  const std::shared_ptr<cache::policy> answers;
  const std::shared_ptr<bulkhead::policy> wall;
  const std::shared_ptr<retry::policy> again;
  const std::shared_ptr<breaker::policy> gate;   // with one host
  const std::shared_ptr<balance::policy> among;  // with several
  const std::shared_ptr<timeout::policy> attempt;

 private:
  client(client_options given, std::vector<std::string> hosts);
  exchange_layer observe_;
  balance::key_function sticky_key_;
};

// The numbers of every policy that there is, as metrics; `name` is the label that tells this client from others.
void show(observe::mirror& in, const client& of, std::string_view name);

}  // namespace assay::guard::chain
