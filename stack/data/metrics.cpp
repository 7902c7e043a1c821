// The use of a pool as metrics.
#include "stack/data/postgres.hpp"
#include "stack/observe/pool_metrics.hpp"

namespace assay::data {
namespace {

void show_connections(observe::mirror& in, const pool& of, std::string_view name) {
  const observe::metric_spec connections{.name = "assay_postgres_connections",
                                         .help = "Connections to PostgreSQL, by what they do.",
                                         .labels = {"pool", "state"}};
  in.gauge(connections, {name, "idle"}, [&of](instant) { return of.usage().idle; });
  in.gauge(connections, {name, "busy"}, [&of](instant) { return of.usage().open - of.usage().idle; });
}

}  // namespace

void show(observe::mirror& in, const pool& of, std::string_view name) {
  const pool_counters& counted = of.counters();
  const std::vector<std::string> labels = {"pool"};
  show_connections(in, of, name);
  observe::show_connections_and_waits(in, of, "assay_postgres", name);
  in.counter({.name = "assay_postgres_statements_total",
              .help = "Statements, those of transactions and pipelines included.",
              .labels = labels},
             {name}, &counted.queries);
  in.counter({.name = "assay_postgres_failures_total", .help = "Of them: failed.", .labels = labels}, {name},
             &counted.failures);
  in.counter({.name = "assay_postgres_abandoned_total",
              .help = "Of the failures: by deadline or cancellation.",
              .labels = labels},
             {name}, &counted.abandoned);
  in.counter({.name = "assay_postgres_pipelines_total", .help = "Pipelines of statements.", .labels = labels}, {name},
             &counted.pipelines);
  in.counter({.name = "assay_postgres_transactions_total", .help = "Transactions that were begun.", .labels = labels},
             {name}, &counted.transactions);
  in.counter({.name = "assay_postgres_rollbacks_total", .help = "Of them: ended without commit.", .labels = labels},
             {name}, &counted.rollbacks);
}

}  // namespace assay::data
