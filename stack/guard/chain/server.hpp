// All layers of a server, from one struct of options, in the one right order.
//
//   guard::chain::server_options wanted;
//   wanted.rate_limit = guard::rate_limit::options{.requests = 50};
//   const auto guards = guard::chain::server::make(wanted);   // or every option that is wrong, one a line
//   http::handler serve = guards->around(hello);
//
//   drain -> observe -> shed -> rate limit -> timeout -> bulkheads -> idempotency -> auth -> cache -> adaptive ->
//   handler
//
// Why in this order: docs/decisions/0010-guards.md. On by default is what a client of a healthy service does not see:
// the gate for draining, shedding, the deadline; `wanted.shed = std::nullopt` switches off. All else changes what
// clients are told, or needs to know the service.
//
// Misuse: one of these on two loops. Make one in the handler_maker of http::serve, for each; and idempotency there
// without `idempotency_keys`, which is to be the same for all of them. chain::service sees to that.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/guard/adaptive/layer.hpp"
#include "stack/guard/bulkhead/layer.hpp"
#include "stack/guard/cache/layer.hpp"
#include "stack/guard/drain/layer.hpp"
#include "stack/guard/idempotency/layer.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/rate_limit/layer.hpp"
#include "stack/guard/shed/layer.hpp"
#include "stack/guard/timeout/layer.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::chain {

// A bulkhead for a path and all below it.
struct part {
  std::string path;
  bulkhead::options wall = {};
};

struct server_options {
  drain::options drain = {};
  drain::readiness_check readiness = {};
  handler_layer observe = {};  // id and trace, access log, metrics
  std::optional<shed::options> shed = shed::options{};
  std::optional<rate_limit::options> rate_limit = {};
  rate_limit::key_function rate_key = rate_limit::for_all();
  std::optional<timeout::options> timeout = timeout::options{};
  std::vector<part> bulkheads = {};
  std::optional<idempotency::options> idempotency = {};
  std::shared_ptr<idempotency::store> idempotency_keys = {};  // of the process; none: this loop is its only one
  idempotency::scope_function idempotency_scope = idempotency::authorization_of;
  handler_layer auth = {};
  std::optional<cache::options> cache = {};
  std::optional<adaptive::options> adaptive = {};  // finds shed's limit, up to max_in_flight
};

// What each policy says of its options, and what they say of each other.
checked check(const server_options& given);

// The policies, for whoever shows their counters; empty are those that were not wanted.
class server {
 public:
  static std::expected<server, std::string> make(server_options given);

  http::handler around(http::handler innermost) const;

  const std::shared_ptr<drain::policy> gate;
  const std::shared_ptr<shed::policy> admission;
  const std::shared_ptr<rate_limit::policy> quota;
  const std::shared_ptr<timeout::policy> limit;
  const std::vector<std::shared_ptr<bulkhead::policy>> walls;  // as given
  const std::shared_ptr<idempotency::policy> keys;
  const std::shared_ptr<cache::policy> answers;
  const std::shared_ptr<adaptive::policy> concurrency;

 private:
  explicit server(server_options given);
  std::vector<bulkhead::wall> walls_with_paths() const;
  server_options options_;
};

// The numbers of every policy that there is, as metrics; the policies, or what they are around, must outlive `in`, or
// its close().
void show(observe::mirror& in, const server& of);

}  // namespace assay::guard::chain
