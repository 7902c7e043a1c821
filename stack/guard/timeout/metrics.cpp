#include "stack/guard/timeout/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::timeout {

void show(observe::mirror& in, const policy& of, std::string_view client, std::string_view span) {
  const counters& counted = of.counted();
  const std::vector<std::string> labels = {"client", "of"};
  in.counter({.name = "assay_timeout_narrowed_total",
              .help = "Where the other side left less time than the limit.",
              .labels = labels},
             {client, span}, &counted.narrowed);
  in.counter({.name = "assay_timeout_expired_total", .help = "Not begun: no time was left.", .labels = labels},
             {client, span}, &counted.expired);
  in.counter({.name = "assay_timeout_malformed_total",
              .help = "The remaining time was told and could not be read.",
              .labels = labels},
             {client, span}, &counted.malformed);
  in.counter({.name = "assay_timeout_late_total", .help = "What ended after its deadline.", .labels = labels},
             {client, span}, &counted.late);
}

}  // namespace assay::guard::timeout
