// The numbers of servers and clients as metrics.
#include "stack/http/client.hpp"
#include "stack/http/server.hpp"
#include "stack/observe/mirror.hpp"
#include "stack/observe/pool_metrics.hpp"

namespace assay::http {

void show(observe::mirror& in, const server& of) {
  const server_counters& counted = of.counters();
  in.gauge({.name = "assay_server_connections", .help = "Connections of clients now."}, {},
           [&of](instant) { return of.live_connections(); });
  in.counter({.name = "assay_server_accepted_total", .help = "Connections that were accepted."}, {},
             &counted.connections);
  in.counter({.name = "assay_server_requests_total", .help = "Requests whose head could be read."}, {},
             &counted.requests);
  const observe::metric_spec refused{.name = "assay_server_refused_total",
                                     .help = "Requests that no handler saw, by the part that was refused.",
                                     .labels = {"part"}};
  in.counter(refused, {"head"}, &counted.refused_heads);
  in.counter(refused, {"body"}, &counted.refused_bodies);
  const observe::metric_spec timeouts{
      .name = "assay_server_timeouts_total", .help = "Waits for a client that came to their limit.", .labels = {"of"}};
  in.counter(timeouts, {"head"}, &counted.head_timeouts);
  in.counter(timeouts, {"body"}, &counted.body_timeouts);
  in.counter(timeouts, {"write"}, &counted.write_timeouts);
  in.counter(timeouts, {"idle"}, &counted.idle_timeouts);
  in.counter({.name = "assay_server_handler_exceptions_total", .help = "Bugs of the service, answered with 500."}, {},
             &counted.handler_exceptions);
  in.counter({.name = "assay_server_departures_total", .help = "Clients that left before their answer was complete."},
             {}, &counted.departures);
  in.counter({.name = "assay_server_cut_total", .help = "Connections that were cut in the middle at the end."}, {},
             &counted.cut);
}

void show(observe::mirror& in, const client& of, std::string_view name) {
  const client_counters& counted = of.counters();
  const std::vector<std::string> labels = {"client"};
  const observe::metric_spec connections{
      .name = "assay_client_connections", .help = "Connections by what they do.", .labels = {"client", "state"}};
  in.gauge(connections, {name, "busy"}, [&of](instant) { return of.usage().busy; });
  in.gauge(connections, {name, "idle"}, [&of](instant) { return of.usage().idle; });
  observe::show_connections_and_waits(in, of, "assay_client", name, "client");
  in.counter({.name = "assay_client_requests_total", .help = "Requests that were to be sent.", .labels = labels},
             {name}, &counted.requests);
  in.counter({.name = "assay_client_connects_total", .help = "Attempts to connect.", .labels = labels}, {name},
             &counted.connects);
  in.counter({.name = "assay_client_reused_total",
              .help = "Requests on a connection that had served before.",
              .labels = labels},
             {name}, &counted.reused);
  in.counter({.name = "assay_client_resent_total",
              .help = "Requests that met a connection which the server had closed.",
              .labels = labels},
             {name}, &counted.resent);
  // One more reason than other pools have.
  in.counter({.name = "assay_client_closed_total",
              .help = "Connections that were given up, by why.",
              .labels = {"client", "reason"}},
             {name, "ended"}, &counted.closed_ended);
}

}  // namespace assay::http
