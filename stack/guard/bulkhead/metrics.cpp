#include "stack/guard/bulkhead/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::bulkhead {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const std::string& part = of.settings().name;
  const std::vector<std::string> labels = {"part"};
  const observe::metric_spec refused{
      .name = "assay_bulkhead_refused_total", .help = "What found no place in its part.", .labels = {"part", "reason"}};
  in.counter({.name = "assay_bulkhead_entered_total", .help = "What was let into its part.", .labels = labels}, {part},
             &counted.entered);
  in.counter({.name = "assay_bulkhead_waited_total", .help = "Of those: not at once.", .labels = labels}, {part},
             &counted.waited);
  in.counter(refused, {part, "full"}, &counted.refused_full);
  in.counter(refused, {part, "waiting"}, &counted.refused_waiting);
  in.gauge({.name = "assay_bulkhead_in_flight", .help = "What is in the part now.", .labels = labels}, {part},
           [&of](instant) { return of.in_flight(); });
  in.gauge({.name = "assay_bulkhead_waiting", .help = "What waits for a place of the part.", .labels = labels}, {part},
           [&of](instant) { return of.waiting(); });
  in.gauge({.name = "assay_bulkhead_limit", .help = "How many the part may hold.", .labels = labels}, {part},
           [&of](instant) { return of.settings().max_in_flight; });
}

}  // namespace assay::guard::bulkhead
