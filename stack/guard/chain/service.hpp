// All that a guarded service tells: ids, a log line a request, and the numbers of each policy, pool and server, for
// every loop of http::serve. guard::serve (stack/guard/serve.hpp) has all of this, a log, metrics and a watchdog of its
// own; this is for whoever wants to put them together otherwise.
//
//   observe::json_log log(STDERR_FILENO);
//   observe::registry metrics;
//   guard::chain::service service(metrics, {.log = &log});
//   const auto make = [&](unsigned) -> http::handler {
//     guard::chain::service_loop& here = service.add_loop();
//     const auto of = std::make_shared<catalogue>(...);                    // pools, clients, routes
//     show(here.numbers(), of->items, "items");
//     return here.around(serve_by(of), by_router(of->routes), wanted);     // or what is wrong with `wanted`
//   };
//   http::serve_options options;
//   service.join(options);                                               // and with drain::options::warms_up:
//   options.background = [&](unsigned index) { return warm_up(service.loop(index)); };    // it calls ready()
//   return http::serve(make, options);
//
// From the outside in: ids, the log, what `wanted.observe` has, then the layers of chain/server.hpp. The end of a loop
// closes its numbers: before the handler goes, and with it what they are of.
//
// Misuse: a service that goes before http::serve returns.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "stack/guard/access_log/layer.hpp"
#include "stack/guard/chain/server.hpp"
#include "stack/guard/trace/layer.hpp"
#include "stack/http/server.hpp"
#include "stack/observe/mirror.hpp"
#include "stack/observe/watchdog.hpp"

namespace assay::guard::chain {

struct service_options {
  observe::json_log* log = nullptr;                      // none: requests are counted, and not logged
  const observe::watchdog* dog = nullptr;                // while it finds a loop stalled for long, no loop is ready
  std::optional<trace::options> ids = trace::options{};  // none: requests have none
  access_log::options requests = {};
};

// What belongs to one loop.
class service_loop {
 public:
  service_loop(unsigned index, observe::registry& metrics, const service_options& options,
               std::shared_ptr<idempotency::store>& idempotency_keys);

  unsigned index() const { return index_; }
  observe::registry& metrics() const { return metrics_; }  // for metrics of the service's own
  observe::shard& shard() const { return mine_; }          // where this loop counts
  observe::json_log* log() const { return options_.log; }  // null where there is none
  // Where pools and clients show themselves, those that the innermost handler owns: show(numbers(), pool, "items").
  observe::mirror& numbers() { return numbers_; }

  // The chain around a handler, which owns what was shown; or every option that is wrong, or a metric's name that
  // others have taken. Once. Idempotency keys are one store for all loops, with the options of the first that has them.
  std::expected<http::handler, std::string> around(http::handler innermost, access_log::route_function route_of,
                                                   server_options wanted);

  // After around(), on the loop's thread. With drain::options::warms_up nobody is served before ready() is called.
  void ready() { gate_->ready(); }
  drain::state state() const { return gate_->now_is(); }

 private:
  friend class service;
  unsigned index_;
  observe::registry& metrics_;
  const service_options& options_;
  std::shared_ptr<idempotency::store>& idempotency_keys_;  // the service's
  observe::shard& mine_;
  observe::mirror numbers_;
  std::shared_ptr<drain::policy> gate_;
  std::weak_ptr<access_log::policy> lines_;  // the handler's: what its routes own goes with that
};

class service {
 public:
  explicit service(observe::registry& metrics, service_options options = {})
      : metrics_(metrics), options_(std::move(options)) {}
  service(const service&) = delete;  // its loops refer to it
  service& operator=(const service&) = delete;

  // In the handler_maker, once for each loop and in their order.
  service_loop& add_loop();

  // The one that was added for it, by its index.
  service_loop& loop(unsigned index) { return *loops_.at(index); }

  // Adds to on_start, on_stop, on_end and on_refused. Those that are there already are called as well, after its own;
  // of two delays of on_stop the longer one holds.
  void join(http::serve_options& options);

 private:
  observe::registry& metrics_;
  service_options options_;
  std::shared_ptr<idempotency::store> idempotency_keys_;  // made for the first loop that wants one
  std::vector<std::unique_ptr<service_loop>> loops_;
};

}  // namespace assay::guard::chain
