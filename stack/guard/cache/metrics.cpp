#include "stack/guard/cache/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::cache {

void show(observe::mirror& in, const policy& of, std::string_view client) {
  const counters& counted = of.counted();
  const std::vector<std::string> labels = {"client"};
  const observe::metric_spec requests{.name = "assay_cache_requests_total",
                                      .help = "Requests by how they came to their answer.",
                                      .labels = {"client", "outcome"}};
  in.counter(requests, {client, "hit"}, &counted.hits);
  in.counter(requests, {client, "miss"}, &counted.asked);
  in.counter(requests, {client, "shared"}, &counted.shared);
  in.counter(requests, {client, "alone"}, &counted.alone);
  in.counter(requests, {client, "bypassed"}, &counted.bypassed);
  in.counter(requests, {client, "refused"}, &counted.refused);
  in.counter({.name = "assay_cache_stale_total", .help = "Old answers for want of new ones.", .labels = labels},
             {client}, &counted.stale);
  in.counter({.name = "assay_cache_kept_total", .help = "Answers that were kept.", .labels = labels}, {client},
             &counted.kept);
  in.counter({.name = "assay_cache_too_large_total", .help = "Answers too large to be kept.", .labels = labels},
             {client}, &counted.too_large);
  in.counter({.name = "assay_cache_evicted_total", .help = "Answers that went before their time.", .labels = labels},
             {client}, &counted.evicted);
  in.gauge({.name = "assay_cache_entries", .help = "Answers that are kept now.", .labels = labels}, {client},
           [&of](instant) { return of.entries(); });
  in.gauge({.name = "assay_cache_kept_bytes", .help = "What they take in memory.", .labels = labels}, {client},
           [&of](instant) { return of.bytes(); });
}

}  // namespace assay::guard::cache
