// The plain way to run a service: it degrades well, tells what it is doing and ends in good order, and its author has
// to remember none of it.
//
//   int main() { return guard::serve(hello); }     // a handler, or the routes of a http::router
//
//   const auto make = [&](guard::chain::service_loop& here) -> guard::served {     // for each loop
//     const auto of = std::make_shared<catalogue>(...);                            // pools, clients, routes
//     show(here.numbers(), of->items, "items");
//     return {.handler = of->routes.as_handler(), .route_of = by_router(of->routes), .keeps = of};
//   };
//   return guard::serve(make, {.guards = wanted, .http = {.loops = 4}});
//
// On by default, and each of it tuned or switched off by its name in serve_options:
//
//   guards.shed       so many in flight (fewer than connections), so many in line and for so long; then 503 with
//                     Retry-After
//   guards.timeout    a deadline for the whole request, which calls, statements and other services inherit
//   guards.drain      GET /health/live and /health/ready; on SIGTERM "not ready" for a while, then the door closes
//   watchdog          names what holds a loop up; a loop that is stalled for long makes the service not ready
//   metrics_path      GET /metrics: all that the server, the policies and `here.numbers()` count
//   tasks_path        GET /debug/tasks, from this host alone: every live task, where it was spawned, what it waits for
//   log, ids          a JSON line on stderr for each request, for each stall, and for each failure that nobody saw
//
// All else of chain::server_options (rate limits, bulkheads, idempotency, a cache) is off until it is given.
//
// Misuse: /metrics in reach of strangers: routes and numbers are nobody else's business. Where those in front pass on
// every path, metrics_path is to be one that they do not; tasks_path too, where they are on this host and do not say
// for whom they ask. What `make` refers to must outlive the call.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "stack/guard/chain/service.hpp"
#include "stack/http/router.hpp"

namespace assay::guard {

struct serve_options {
  chain::server_options guards = {};  // of each loop
  http::serve_options http = {};      // port, loops, the server's own limits
  std::optional<observe::log_options> log = observe::log_options{};
  std::optional<observe::watchdog_options> watchdog = observe::watchdog_options{};
  std::optional<trace::options> ids = trace::options{};
  access_log::options requests = {};        // what the metrics of requests are called
  std::string metrics_path = "/metrics";    // empty: nowhere
  std::string tasks_path = "/debug/tasks";  // as metrics_path; others than this host find what the service has there
};

// What every part says of its options, and what they say of each other.
checked check(const serve_options& given);

// What serves on one loop.
struct served {
  http::handler handler;
  access_log::route_function route_of = access_log::by_name("all");  // the template of a request's route, for metrics
  drain::readiness_check readiness = {};                             // asked unless the watchdog says no already
  // Beside this loop's server for as long, and on_drain when its door closes: as those of http::serve_options, which
  // are called as well.
  task_function<task<result<void>>()> background = {};
  std::function<void()> on_drain = {};
  std::shared_ptr<const void> keeps = {};  // what all of these refer to; it goes after them
};
using maker = std::function<served(chain::service_loop& here)>;

// Serves until SIGTERM or SIGINT, and returns the process's exit code as http::serve does; 4, with a line on stderr for
// each, when options are wrong.
int serve(const http::handler& handle, serve_options given = {});
int serve(const http::router& routes, serve_options given = {});
// `make` is called for each loop, in their order, before anything listens.
int serve(const maker& make, serve_options given = {});

}  // namespace assay::guard
