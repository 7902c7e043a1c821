#include "stack/guard/rate_limit/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::rate_limit {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec forgotten{.name = "assay_rate_limit_forgotten_total",
                                       .help = "Keys that made room for others, by whether their bucket was full.",
                                       .labels = {"bucket"}};
  in.counter({.name = "assay_rate_limit_allowed_total", .help = "Requests within their quota."}, {}, &counted.allowed);
  in.counter({.name = "assay_rate_limit_refused_total", .help = "Requests beyond their quota."}, {}, &counted.refused);
  in.counter(forgotten, {"any"}, &counted.forgotten);
  in.counter(forgotten, {"in_debt"}, &counted.forgotten_in_debt);
  in.gauge({.name = "assay_rate_limit_keys", .help = "Callers that are remembered."}, {},
           [&of](instant) { return of.keys(); });
}

}  // namespace assay::guard::rate_limit
