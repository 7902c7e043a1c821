// What every pool of connections counts alike, as metrics: connections that came and went, and who waited for one.
//
// Misuse: two kinds of pools under one prefix; the names are those of one kind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stack/observe/mirror.hpp"

namespace assay::observe {

// `prefix` begins each name: "assay_postgres". `name` is the value of `label`, which tells a pool from others of its
// kind.
template <class Pool>
void show_connections_and_waits(mirror& in, const Pool& of, const std::string& prefix, std::string_view name,
                                const std::string& label = "pool") {
  const auto& counted = of.counters();
  const std::vector<std::string> labels = {label};
  in.counter({.name = prefix + "_opened_total", .help = "Connections that were opened.", .labels = labels}, {name},
             &counted.opened);
  in.counter({.name = prefix + "_open_failures_total", .help = "Attempts that failed.", .labels = labels}, {name},
             &counted.open_failures);
  const metric_spec closed{
      .name = prefix + "_closed_total", .help = "Connections that were given up, by why.", .labels = {label, "reason"}};
  in.counter(closed, {name, "broken"}, &counted.closed_broken);
  in.counter(closed, {name, "old"}, &counted.closed_old);
  in.counter(closed, {name, "idle"}, &counted.closed_idle);
  in.gauge({.name = prefix + "_waiting", .help = "Callers that wait for a connection.", .labels = labels}, {name},
           [&of](instant) { return of.usage().waiting; });
  in.counter({.name = prefix + "_waits_total", .help = "Callers that had to wait.", .labels = labels}, {name},
             &counted.waits);
  in.counter({.name = prefix + "_wait_seconds_total",
              .help = "How long they waited, all together.",
              .labels = labels,
              .unit = metric_unit::nanoseconds},
             {name}, &counted.waited);
  const metric_spec refused{.name = prefix + "_refused_total",
                            .help = "Callers that were given no connection, by why.",
                            .labels = {label, "reason"}};
  in.counter(refused, {name, "full"}, &counted.refused_waiters);
  in.counter(refused, {name, "waiting"}, &counted.wait_timeouts);
  in.counter(refused, {name, "away"}, &counted.refused_while_away);
}

}  // namespace assay::observe
