// What is said of each request: one line in the log, and rate, errors and duration by route in the metrics.
//
//   {"time":"…","level":"info","message":"request","request_id":"…","trace_id":"…","method":"GET",
//    "route":"/items/{id}","status":503,"bytes":11,"duration_us":38,"reason":"overloaded"}
//
// Metrics (a shard of one loop): assay_http_requests_total{method,route,status},
// assay_http_request_duration_seconds{method,route}, assay_http_requests_in_flight.
//
// The route is a template and not a path: a label has to be one of few (metric_spec::max_series bounds it all the
// same), and paths carry what does not belong into logs.
//
// Misuse: a policy for each request, or one for two loops: it writes to the shard of one loop.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "stack/http/handler.hpp"
#include "stack/http/router.hpp"
#include "stack/observe/log.hpp"
#include "stack/observe/metrics.hpp"

namespace assay::guard::access_log {

// The template of a request's route. It may be a view of the request.
using route_function = std::function<std::string_view(const http::request&)>;

// By the templates of a router, which must outlive it; "unknown" where none matches.
route_function by_router(const http::router& routes);
// One label for all.
route_function by_name(std::string name);

// What of a request is told at its end.
struct told_request {
  context about;  // its ids
  http::method verb = http::method::other;
  std::string route;
  int status = 0;
  std::uint64_t bytes = 0;  // of the body, as far as it was handed to the connection
  duration took{};
  std::string reason;   // why it failed, as the client was told; empty: it did not, or nobody said
  std::string problem;  // the text of an exception
};

class policy {
 public:
  // Registers the metrics; fails with one line when others have taken their names. A log that is null is left out.
  static std::expected<std::shared_ptr<policy>, std::string> create(observe::json_log* log, observe::registry& metrics,
                                                                    observe::shard& mine, route_function route_of);

  std::string_view route_of(const http::request& asked) const { return route_of_(asked); }
  void on_begin() { in_flight_.add(1); }
  void on_end(const told_request& of);

 private:
  struct families {
    observe::counter_family requests;
    observe::distribution_family durations;
    observe::gauge_family in_flight;
  };
  policy(observe::json_log* log, observe::shard& mine, route_function route_of, const families& of);

  observe::json_log* log_;
  observe::shard& mine_;
  route_function route_of_;
  families families_;
  observe::gauge in_flight_;
};

// The first line of a text that is a reason and no more: lowercase words of at most 64 bytes, as label(errc) and the
// layers of this room write them. Empty for anything else: a body may quote its client.
std::string_view reason_in(std::string_view body);

}  // namespace assay::guard::access_log
