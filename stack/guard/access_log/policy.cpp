#include "stack/guard/access_log/policy.hpp"

#include <algorithm>
#include <utility>

namespace assay::guard::access_log {
namespace {

// Every request is told: the bound is that of the log's buffer.
constexpr observe::log_site::rate unlimited{.per_second = 0, .burst = 0};
observe::log_site served_site(observe::level::info, "request", unlimited);
observe::log_site failed_site(observe::level::warn, "request", unlimited);

constexpr std::size_t max_known_routes = 64;
constexpr std::size_t max_known_labels = 16;  // of a route

template <class Key, class LookUp>
observe::counter remembered(std::vector<std::pair<Key, observe::counter>>& in, Key key, LookUp look_up) {
  for (const auto& [known, counter] : in) {
    if (known == key) return counter;
  }
  const observe::counter fresh = look_up();
  if (in.size() < max_known_labels) in.emplace_back(key, fresh);
  return fresh;
}

}  // namespace

route_function by_router(const http::router& routes) {
  return [&routes](const http::request& asked) {
    const std::string_view found = routes.match(asked.verb(), asked.path()).path_template;
    return found.empty() ? std::string_view("unknown") : found;
  };
}

route_function by_served_route(const http::router& routes, std::string otherwise) {
  return [&routes, otherwise = std::move(otherwise)](const http::request& asked) {
    const http::router::match_result found = routes.match(asked.verb(), asked.path());
    return found.serve != nullptr ? found.path_template : std::string_view(otherwise);
  };
}

route_function by_name(std::string name) {
  return [name = std::move(name)](const http::request&) { return std::string_view(name); };
}

std::expected<std::shared_ptr<policy>, std::string> policy::create(observe::json_log* log, observe::registry& metrics,
                                                                   observe::shard& mine, route_function route_of,
                                                                   const options& given) {
  const auto requests = metrics.counter({.name = given.prefix + "http_requests_total",
                                         .help = "Requests that have been answered, or given up.",
                                         .labels = {"method", "route", "status"},
                                         .max_series = 2000});
  const auto durations = metrics.distribution({.name = given.prefix + "http_request_duration_seconds",
                                               .help = "From a request's head to the end of its answer.",
                                               .labels = {"method", "route"},
                                               .unit = observe::metric_unit::nanoseconds,
                                               .bounds = observe::latency_bounds_ns()});
  const auto in_flight = metrics.gauge({.name = given.prefix + "http_requests_in_flight",
                                        .help = "Requests that have begun and not ended, streams included."});
  const auto failures = metrics.counter({.name = given.prefix + "http_failures_total",
                                         .help = "Requests that were answered with a reason, or failed for one.",
                                         .labels = {"route", "reason"}});
  const auto refused = metrics.counter({.name = given.prefix + "http_refused_total",
                                        .help = "Requests that the server refused before a handler saw them.",
                                        .labels = {"reason"},
                                        .max_series = 50});
  if (!requests) return std::unexpected(requests.error());
  if (!durations) return std::unexpected(durations.error());
  if (!in_flight) return std::unexpected(in_flight.error());
  if (!failures) return std::unexpected(failures.error());
  if (!refused) return std::unexpected(refused.error());
  return std::shared_ptr<policy>(new policy(given.lines ? log : nullptr, mine, std::move(route_of),
                                            {*requests, *durations, *in_flight, *failures, *refused}));
}

policy::policy(observe::json_log* log, observe::shard& mine, route_function route_of, const families& of)
    : log_(log), mine_(mine), route_of_(std::move(route_of)), families_(of), in_flight_(mine.at(of.in_flight)) {}

policy::known_route policy::look_up(http::method verb, std::string_view route) {
  return {.verb = verb,
          .route = std::string(route),
          .durations = mine_.at(families_.durations, {http::to_string_view(verb), route}),
          .requests = {},
          .failures = {}};
}

// None when there are too many already.
policy::known_route* policy::known(http::method verb, std::string_view route) {
  for (known_route& each : known_) {
    if (each.verb == verb && each.route == route) return &each;
  }
  return known_.size() < max_known_routes ? &known_.emplace_back(look_up(verb, route)) : nullptr;
}

void policy::count(const told_request& of, known_route& in) {
  const auto requests = [&] {
    return mine_.at(families_.requests, {http::to_string_view(of.verb), of.route, std::to_string(of.status)});
  };
  remembered(in.requests, of.status, requests).add();
  in.durations.record(static_cast<std::uint64_t>(std::max(of.took, duration::zero()).count()));
  if (of.reason.empty()) return;
  remembered(in.failures, of.reason, [&] { return mine_.at(families_.failures, {of.route, of.reason}); }).add();
}

void policy::on_end(const told_request& of) {
  in_flight_.add(-1);
  if (known_route* const at = known(of.verb, of.route)) {
    count(of, *at);
  } else {
    known_route stranger = look_up(of.verb, of.route);
    count(of, stranger);
  }
  if (log_ == nullptr) return;
  log_->write(of.status >= 500 ? failed_site : served_site, *of.about,
              {{"method", http::to_string_view(of.verb)},
               {"route", of.route},
               {"status", of.status},
               {"bytes", of.bytes},
               {"duration_us", std::max(of.took, duration::zero()) / std::chrono::microseconds(1)},
               {"reason", of.reason},
               {"problem", of.problem}});
}

void policy::on_refused(const http::refusal& of) {
  mine_.at(families_.refused, {of.reason}).add();
  if (log_ == nullptr) return;
  log_->write(served_site, {{"method", of.head != nullptr ? to_string_view(of.head->verb) : std::string_view()},
                            {"status", of.status},
                            {"bytes", of.bytes},
                            {"reason", of.reason}});
}

}  // namespace assay::guard::access_log
