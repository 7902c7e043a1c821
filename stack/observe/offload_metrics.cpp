#include "stack/observe/offload_metrics.hpp"

#include <string>
#include <vector>

namespace assay::observe {

void show(mirror& in, const offload_pool& of, std::string_view name) {
  const std::vector<std::string> labels = {"pool"};
  in.gauge({.name = "assay_offload_queued", .help = "Work that waits for a thread.", .labels = labels}, {name},
           [&of](instant) { return of.usage().queued; });
  in.gauge({.name = "assay_offload_running", .help = "Threads that work.", .labels = labels}, {name},
           [&of](instant) { return of.usage().running; });
  in.counter({.name = "assay_offload_done_total", .help = "Work that ran to its end.", .labels = labels}, {name},
             [&of] { return of.counters().done; });
  in.counter({.name = "assay_offload_dropped_total",
              .help = "Work that was not begun, because its caller had gone.",
              .labels = labels},
             {name}, [&of] { return of.counters().dropped; });
  in.counter(
      {.name = "assay_offload_shed_total", .help = "Work that was refused: the queue was full.", .labels = labels},
      {name}, [&of] { return of.counters().shed; });
}

}  // namespace assay::observe
