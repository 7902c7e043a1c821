// What is said of each request: one line in the log, and rate, errors and duration by route in the metrics.
//
//   {"time":"…","level":"info","message":"request","request_id":"…","trace_id":"…","method":"GET",
//    "route":"/items/{id}","status":503,"bytes":11,"duration_us":38,"reason":"overloaded"}
//
// `reason` is the answer's own (http::response::reason): each layer that refuses gives one. What the server refuses
// itself, and no layer sees, is a line with a reason and without a route.
//
// Metrics (a shard of one loop): assay_http_requests_total{method,route,status},
// assay_http_request_duration_seconds{method,route}, assay_http_requests_in_flight,
// assay_http_failures_total{route,reason}, and assay_http_refused_total{reason} of what the server refuses.
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
#include <utility>
#include <vector>

#include "stack/http/handler.hpp"
#include "stack/http/router.hpp"
#include "stack/http/server.hpp"
#include "stack/observe/log.hpp"
#include "stack/observe/metrics.hpp"

namespace assay::guard::access_log {

// The template of a request's route. It may be a view of the request.
using route_function = std::function<std::string_view(const http::request&)>;

// By the templates of a router, which must outlive it; "unknown" where none matches.
route_function by_router(const http::router& routes);
// The same, but one label for all that no route serves, a known path with another method included.
route_function by_served_route(const http::router& routes, std::string otherwise);
// One label for all.
route_function by_name(std::string name);

struct options {
  std::string prefix = "assay_";  // of the metrics' names; for those who have promised others
  bool lines = true;              // else requests are counted alone, and the log is for all the rest
};

// What of a request is told at its end; views of what the teller keeps.
struct told_request {
  const context* about = nullptr;  // its ids
  http::method verb = http::method::other;
  std::string_view route = {};
  int status = 0;
  std::uint64_t bytes = 0;  // of the body, as far as it was handed to the connection
  duration took{};
  std::string_view reason = {};  // why it failed, static text; empty: it did not, or nobody said
  std::string problem = {};      // the text of an exception
};

class policy {
 public:
  // Registers the metrics; fails with one line when others have taken their names. A log that is null is left out.
  static std::expected<std::shared_ptr<policy>, std::string> create(observe::json_log* log, observe::registry& metrics,
                                                                    observe::shard& mine, route_function route_of,
                                                                    const options& given = {});

  std::string_view route_of(const http::request& asked) const { return route_of_(asked); }
  void on_begin() { in_flight_.add(1); }
  void on_end(const told_request& of);
  // For http::serve_options::on_refused.
  void on_refused(const http::refusal& of);

 private:
  struct families {
    observe::counter_family requests;
    observe::distribution_family durations;
    observe::gauge_family in_flight;
    observe::counter_family failures;
    observe::counter_family refused;
  };
  // The series of a route, so that only its first requests look them up by their labels.
  struct known_route {
    http::method verb;
    std::string route;
    observe::distribution durations;
    std::vector<std::pair<int, observe::counter>> requests;               // by status
    std::vector<std::pair<std::string_view, observe::counter>> failures;  // by reason
  };
  policy(observe::json_log* log, observe::shard& mine, route_function route_of, const families& of);
  known_route* known(http::method verb, std::string_view route);
  known_route look_up(http::method verb, std::string_view route);
  void count(const told_request& of, known_route& in);

  observe::json_log* log_;
  observe::shard& mine_;
  route_function route_of_;
  families families_;
  observe::gauge in_flight_;
  std::vector<known_route> known_;  // the first that came; others are looked up each time
};

}  // namespace assay::guard::access_log
