#include "stack/guard/idempotency/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::idempotency {

void show(observe::mirror& in, const policy& of) {
  const counters& counted = of.counted();
  const observe::metric_spec requests{.name = "assay_idempotency_requests_total",
                                      .help = "Requests with a key, by what became of them.",
                                      .labels = {"outcome"}};
  in.counter(requests, {"carried_out"}, &counted.carried_out);
  in.counter(requests, {"replayed"}, &counted.replayed);
  in.counter(requests, {"in_progress"}, &counted.in_progress);
  in.counter(requests, {"unknown"}, &counted.unknown);
  in.counter(requests, {"mismatched"}, &counted.mismatched);
  in.counter(requests, {"full"}, &counted.full);
  in.counter({.name = "assay_idempotency_released_total", .help = "Carried out, and nothing was done: free again."}, {},
             &counted.released);
  in.counter({.name = "assay_idempotency_unanswered_total", .help = "Carried out without an answer to keep."}, {},
             &counted.unanswered);
  in.counter({.name = "assay_idempotency_evicted_total", .help = "Keys that went before their time."}, {},
             &counted.evicted);
  in.gauge({.name = "assay_idempotency_keys", .help = "Keys that are known, in progress or with their answer."}, {},
           [&of](instant) { return of.keys(); });
  in.gauge({.name = "assay_idempotency_kept_bytes", .help = "What the kept answers take in memory."}, {},
           [&of](instant) { return of.kept_bytes(); });
}

}  // namespace assay::guard::idempotency
