#include "stack/guard/drain/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::drain {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec loops{
      .name = "assay_drain_loops", .help = "Loops by where they are in their life.", .labels = {"state"}};
  for (const state each : {state::starting, state::ready, state::draining, state::stopped}) {
    in.gauge(loops, {label(each)}, [&of, each](instant) { return of.now_is() == each ? 1 : 0; });
  }
  in.gauge({.name = "assay_drain_in_flight", .help = "Requests that an end would have to wait for."}, {},
           [&of](instant) { return of.in_flight(); });
  in.counter({.name = "assay_drain_served_total", .help = "Requests, health checks not included."}, {},
             &counted.served);
  in.counter({.name = "assay_drain_served_late_total", .help = "Of those: came while it drained."}, {},
             &counted.served_late);
  in.counter({.name = "assay_drain_closed_total", .help = "Answers that ended their connection."}, {},
             &counted.told_to_close);
  in.counter({.name = "assay_drain_refused_total", .help = "Requests that came too early or too late."}, {},
             &counted.refused);
  in.counter({.name = "assay_drain_unready_total", .help = "Checks that were told: not ready."}, {}, &counted.unready);
}

}  // namespace assay::guard::drain
