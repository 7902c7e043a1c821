// The use of a pool as metrics.
#include "stack/data/redis/redis.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::data::redis {
namespace {

void show_connections(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  const observe::metric_spec connections{
      .name = "assay_redis_connections", .help = "Connections to Redis.", .labels = labels};
  in.gauge(connections, {name}, [&of](instant) { return of.usage().open; });
  in.gauge({.name = "assay_redis_in_flight", .help = "Calls whose answers have not come.", .labels = labels}, {name},
           [&of](instant) { return of.usage().in_flight; });
  in.counter({.name = "assay_redis_opened_total", .help = "Connections that were opened.", .labels = labels}, {name},
             &counted.opened);
  in.counter({.name = "assay_redis_open_failures_total", .help = "Attempts that failed.", .labels = labels}, {name},
             &counted.open_failures);
  const observe::metric_spec closed{.name = "assay_redis_closed_total",
                                    .help = "Connections that were given up, by why.",
                                    .labels = {"pool", "reason"}};
  in.counter(closed, {name, "broken"}, &counted.closed_broken);
  in.counter(closed, {name, "old"}, &counted.closed_old);
  in.counter(closed, {name, "idle"}, &counted.closed_idle);
}

void show_waits(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  in.gauge({.name = "assay_redis_waiting", .help = "Callers that wait for a connection.", .labels = labels}, {name},
           [&of](instant) { return of.usage().waiting; });
  in.counter({.name = "assay_redis_waits_total", .help = "Callers that had to wait.", .labels = labels}, {name},
             &counted.waits);
  in.counter({.name = "assay_redis_wait_seconds_total",
              .help = "How long they waited, all together.",
              .labels = labels,
              .unit = observe::metric_unit::nanoseconds},
             {name}, &counted.waited);
  const observe::metric_spec refused{.name = "assay_redis_refused_total",
                                     .help = "Callers that were given no connection, by why.",
                                     .labels = {"pool", "reason"}};
  in.counter(refused, {name, "full"}, &counted.refused_waiters);
  in.counter(refused, {name, "waiting"}, &counted.wait_timeouts);
  in.counter(refused, {name, "away"}, &counted.refused_while_away);
}

}  // namespace

void show(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  show_connections(in, of, name);
  show_waits(in, of, name);
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
