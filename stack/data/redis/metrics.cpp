// The use of a pool as metrics.
#include "stack/data/redis/redis.hpp"
#include "stack/observe/pool_metrics.hpp"

namespace assay::data::redis {
namespace {

void show_connections(observe::mirror& in, const pool& of, std::string_view name) {
  const std::vector<std::string> labels = {"pool"};
  const observe::metric_spec connections{
      .name = "assay_redis_connections", .help = "Connections to Redis.", .labels = labels};
  in.gauge(connections, {name}, [&of](instant) { return of.usage().open; });
  in.gauge({.name = "assay_redis_in_flight", .help = "Calls whose answers have not come.", .labels = labels}, {name},
           [&of](instant) { return of.usage().in_flight; });
}

}  // namespace

void show(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  show_connections(in, of, name);
  observe::show_connections_and_waits(in, of, "assay_redis", name);
  in.counter({.name = "assay_redis_calls_total", .help = "Commands, batches and transactions.", .labels = labels},
             {name}, &counted.calls);
  in.counter({.name = "assay_redis_failures_total", .help = "Of them: without an answer.", .labels = labels}, {name},
             &counted.failures);
  in.counter({.name = "assay_redis_abandoned_total",
              .help = "Of the failures: by deadline or cancellation.",
              .labels = labels},
             {name}, &counted.abandoned);
  in.counter({.name = "assay_redis_error_replies_total", .help = "Calls that the server refused.", .labels = labels},
             {name}, &counted.error_replies);
}

}  // namespace assay::data::redis
