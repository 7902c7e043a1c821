#include "stack/guard/breaker/policy.hpp"
#include "stack/observe/mirror.hpp"

namespace assay::guard::breaker {

void show(observe::mirror& in, const policy& of, std::string_view client) {
  const counters& counted = of.counted();
  const observe::metric_spec exchanges{.name = "assay_breaker_exchanges_total",
                                       .help = "Exchanges by what they said of the host; refused: none was made.",
                                       .labels = {"client", "outcome"}};
  in.counter(exchanges, {client, "succeeded"}, &counted.succeeded);
  in.counter(exchanges, {client, "failed"}, &counted.failed);
  in.counter(exchanges, {client, "not_counted"}, &counted.not_counted);
  in.counter(exchanges, {client, "refused"}, &counted.refused);
  const observe::metric_spec transitions{.name = "assay_breaker_transitions_total",
                                         .help = "Changes of the circuit's state, by the new one.",
                                         .labels = {"client", "state"}};
  in.counter(transitions, {client, "open"}, &counted.opened);
  in.counter(transitions, {client, "half_open"}, &counted.half_opened);
  in.counter(transitions, {client, "closed"}, &counted.closed);
  const observe::metric_spec loops{
      .name = "assay_breaker_loops", .help = "Loops by the state of their circuit.", .labels = {"client", "state"}};
  in.gauge(loops, {client, "closed"}, [&of](instant now) { return of.now_is(now) == state::closed ? 1 : 0; });
  in.gauge(loops, {client, "open"}, [&of](instant now) { return of.now_is(now) == state::open ? 1 : 0; });
  in.gauge(loops, {client, "half_open"}, [&of](instant now) { return of.now_is(now) == state::half_open ? 1 : 0; });
}

}  // namespace assay::guard::breaker
