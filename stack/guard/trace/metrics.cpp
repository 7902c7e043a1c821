#include "stack/guard/trace/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::trace {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec requests{
      .name = "assay_trace_requests_total", .help = "Requests by whose trace they belong to.", .labels = {"trace"}};
  in.counter(requests, {"continued"}, &counted.continued);
  in.counter(requests, {"begun"}, &counted.begun);
  in.counter({.name = "assay_trace_malformed_total", .help = "Traces that could not be read."}, {}, &counted.malformed);
  in.counter({.name = "assay_trace_dropped_states_total", .help = "Trace states that could not be read."}, {},
             &counted.dropped_states);
}

}  // namespace assay::guard::trace
