#include "stack/guard/retry/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::retry {

void show(observe::mirror& in, const policy& of, std::string_view client) {
  const counters& counted = of.counted();
  const observe::metric_spec given_up{.name = "assay_retry_given_up_total",
                                      .help = "Failures that were not tried again, by why not.",
                                      .labels = {"client", "reason"}};
  in.counter({.name = "assay_retry_retries_total", .help = "Attempts beyond the first.", .labels = {"client"}},
             {client}, &counted.retries);
  in.counter({.name = "assay_retry_recovered_total", .help = "Requests that a retry saved.", .labels = {"client"}},
             {client}, &counted.recovered);
  in.counter(given_up, {client, "not_repeatable"}, &counted.not_repeatable);
  in.counter(given_up, {client, "out_of_attempts"}, &counted.out_of_attempts);
  in.counter(given_up, {client, "out_of_budget"}, &counted.out_of_budget);
  in.counter(given_up, {client, "out_of_time"}, &counted.out_of_time);
  in.gauge({.name = "assay_retry_tokens", .help = "What is left of the budget.", .labels = {"client"}}, {client},
           [&of](instant) { return of.tokens(); });
}

}  // namespace assay::guard::retry
