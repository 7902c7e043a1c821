#include "stack/guard/shed/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::shed {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec refused{
      .name = "assay_shed_refused_total", .help = "Requests that were not let in.", .labels = {"reason"}};
  in.counter({.name = "assay_shed_admitted_total", .help = "Requests that were let in."}, {}, &counted.admitted);
  in.counter({.name = "assay_shed_waited_total", .help = "Of the admitted: not at once."}, {}, &counted.waited);
  in.counter(refused, {"full"}, &counted.refused_full);
  in.counter(refused, {"waiting"}, &counted.refused_waiting);
  in.counter(refused, {"behind"}, &counted.refused_behind);
  in.gauge({.name = "assay_shed_in_flight", .help = "Requests that are let in and have not ended."}, {},
           [&of](instant) { return of.in_flight(); });
  in.gauge({.name = "assay_shed_waiting", .help = "Requests that wait to be let in."}, {},
           [&of](instant) { return of.waiting(); });
  in.gauge({.name = "assay_shed_limit", .help = "How many are let in at a time now."}, {},
           [&of](instant) { return of.limit(); });
}

}  // namespace assay::guard::shed
