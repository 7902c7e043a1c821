#include "stack/guard/balance/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::balance {

void show(observe::mirror& in, const policy& of, std::string_view client) {
  const counters& counted = of.counted();
  const observe::metric_spec exchanges{.name = "assay_balance_exchanges_total",
                                       .help = "Exchanges by what they said of their host; refused: none was usable.",
                                       .labels = {"client", "outcome"}};
  in.counter(exchanges, {client, "succeeded"}, &counted.succeeded);
  in.counter(exchanges, {client, "failed"}, &counted.failed);
  in.counter(exchanges, {client, "not_counted"}, &counted.not_counted);
  in.counter(exchanges, {client, "refused"}, &counted.refused);
  const observe::metric_spec hosts{.name = "assay_balance_changes_total",
                                   .help = "Hosts that were left out, by why, and that came back.",
                                   .labels = {"client", "change"}};
  in.counter(hosts, {client, "ejected"}, &counted.ejected);
  in.counter(hosts, {client, "not_ejected"}, &counted.not_ejected);
  in.counter(hosts, {client, "failed_checks"}, &counted.left);
  in.counter(hosts, {client, "passed_checks"}, &counted.returned);
  in.counter({.name = "assay_balance_panics_total",
              .help = "Choices from all hosts, for want of usable ones.",
              .labels = {"client"}},
             {client}, &counted.panicked);
  in.gauge({.name = "assay_balance_usable_hosts", .help = "Hosts that are not left out.", .labels = {"client"}},
           {client}, [&of](instant now) { return of.usable(now); });
}

}  // namespace assay::guard::balance
