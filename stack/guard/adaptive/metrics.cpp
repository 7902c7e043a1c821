#include "stack/guard/adaptive/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::adaptive {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec changes{
      .name = "assay_adaptive_changes_total", .help = "Windows that changed the limit.", .labels = {"direction"}};
  in.counter({.name = "assay_adaptive_windows_total", .help = "Windows in which latency was measured."}, {},
             &counted.windows);
  in.counter(changes, {"up"}, &counted.raised);
  in.counter(changes, {"down"}, &counted.lowered);
  in.counter({.name = "assay_adaptive_probes_total", .help = "Probes that found the unloaded latency."}, {},
             &counted.probes);
  in.gauge({.name = "assay_adaptive_limit", .help = "How many requests in flight are good for the service."}, {},
           [&of](instant) { return of.limit(); });
}

}  // namespace assay::guard::adaptive
