// The use of a pool as metrics.
#include "stack/data/postgres.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::data {
namespace {

void show_connections(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  const observe::metric_spec connections{.name = "assay_postgres_connections",
                                         .help = "Connections to PostgreSQL, by what they do.",
                                         .labels = {"pool", "state"}};
  in.gauge(connections, {name, "idle"}, [&of](instant) { return of.usage().idle; });
  in.gauge(connections, {name, "busy"}, [&of](instant) { return of.usage().open - of.usage().idle; });
  in.counter({.name = "assay_postgres_opened_total", .help = "Connections that were opened.", .labels = labels}, {name},
             &counted.opened);
  in.counter({.name = "assay_postgres_open_failures_total", .help = "Attempts that failed.", .labels = labels}, {name},
             &counted.open_failures);
  const observe::metric_spec closed{.name = "assay_postgres_closed_total",
                                    .help = "Connections that were given up, by why.",
                                    .labels = {"pool", "reason"}};
  in.counter(closed, {name, "broken"}, &counted.closed_broken);
  in.counter(closed, {name, "old"}, &counted.closed_old);
  in.counter(closed, {name, "idle"}, &counted.closed_idle);
}

void show_waits(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  in.gauge({.name = "assay_postgres_waiting", .help = "Callers that wait for a connection.", .labels = labels}, {name},
           [&of](instant) { return of.usage().waiting; });
  in.counter({.name = "assay_postgres_waits_total", .help = "Callers that had to wait.", .labels = labels}, {name},
             &counted.waits);
  in.counter({.name = "assay_postgres_wait_seconds_total",
              .help = "How long they waited, all together.",
              .labels = labels,
              .unit = observe::metric_unit::nanoseconds},
             {name}, &counted.waited);
  const observe::metric_spec refused{.name = "assay_postgres_refused_total",
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
  in.counter({.name = "assay_postgres_statements_total",
              .help = "Statements, those of transactions included.",
              .labels = labels},
             {name}, &counted.queries);
  in.counter({.name = "assay_postgres_failures_total", .help = "Of them: failed.", .labels = labels}, {name},
             &counted.failures);
  in.counter({.name = "assay_postgres_abandoned_total",
              .help = "Of the failures: by deadline or cancellation.",
              .labels = labels},
             {name}, &counted.abandoned);
  in.counter({.name = "assay_postgres_transactions_total", .help = "Transactions that were begun.", .labels = labels},
             {name}, &counted.transactions);
  in.counter({.name = "assay_postgres_rollbacks_total", .help = "Of them: ended without commit.", .labels = labels},
             {name}, &counted.rollbacks);
}

}  // namespace assay::data
