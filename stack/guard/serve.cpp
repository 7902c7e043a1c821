#include "stack/guard/serve.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/http/settings.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_loops = 128;  // each has a shard of the metrics, and there are others

// Outside of every limit but that on connections: an overload is when somebody wants to look.
http::handler with_metrics(const std::string& path, chain::service_loop& here, http::handler next) {
  if (path.empty()) return next;
  return [path, &here, show = access_log::metrics_endpoint(here.metrics()),
          next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
    const bool reads = asked.verb() == http::method::get || asked.verb() == http::method::head;
    if (!reads || asked.path() != path) return next(asked);
    here.numbers().touch();
    return show(asked);
  };
}

// Around all else of a loop, since routes and readiness refer to it as well.
http::handler keeping(std::shared_ptr<const void> kept, http::handler next) {
  if (!kept) return next;
  return [kept = std::move(kept), next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
    return next(asked);
  };
}

http::handler guarded(const maker& make, chain::service_loop& here, const serve_options& given) {
  served own = make(here);
  chain::server_options wanted = given.guards;
  if (own.readiness) wanted.readiness = std::move(own.readiness);
  auto made = here.around(std::move(own.handler), std::move(own.route_of), std::move(wanted));
  http::handler whole = keeping(std::move(own.keeps), http::or_refuse(std::move(made)));
  return with_metrics(given.metrics_path, here, std::move(whole));
}

// Where failures that nobody saw are told, for as long as the log is there; then where they were told before.
class told_failures {
 public:
  explicit told_failures(observe::json_log& to)
      : before_(set_failure_reporter(nullptr)), log_before_(observe::report_failures_to(&to)) {}
  ~told_failures() {
    observe::report_failures_to(log_before_);
    set_failure_reporter(before_);
  }
  told_failures(const told_failures&) = delete;
  told_failures& operator=(const told_failures&) = delete;

 private:
  failure_reporter before_;
  observe::json_log* log_before_;
};

void check_parts(const serve_options& given, option_check& into) {
  into.number("http.loops", given.http.loops, 1, most_loops);
  if (given.watchdog) {
    into.span("watchdog.period", given.watchdog->period, 1ms, given.watchdog->stall.report_after);
    const int dump = given.watchdog->task_dump_signal;
    const bool is_told = given.log && given.log->least <= observe::level::warn;
    into.that(dump == 0 || is_told, "watchdog.task_dump_signal", std::to_string(dump),
              "0, or a log of warnings, where it is told");
  }
  if (given.guards.timeout) {
    const duration most = given.http.limits.handler_timeout;
    into.that(given.guards.timeout->limit <= most, "guards.timeout.limit", to_text(given.guards.timeout->limit),
              "up to http.limits.handler_timeout, " + to_text(most));
  }
  if (given.guards.shed) {
    // Where connections run out first, the line is in the kernel's backlog, and nobody sees it or is refused.
    const std::size_t most = given.http.limits.max_connections;
    into.that(given.guards.shed->max_in_flight < most, "guards.shed.max_in_flight",
              std::to_string(given.guards.shed->max_in_flight),
              "less than http.limits.max_connections, " + std::to_string(most));
  }
  const std::string& path = given.metrics_path;
  const bool is_path = path.starts_with('/') && !path.contains('?');
  const bool is_taken = path == given.guards.drain.live_path || path == given.guards.drain.ready_path;
  into.that(path.empty() || (is_path && !is_taken), "metrics_path", "\"" + path + "\"", "a path of its own, or empty");
}

}  // namespace

checked check(const serve_options& given) {
  option_check all("serve");
  all.also(chain::check(given.guards));
  check_parts(given, all);
  return all.outcome();
}

int serve(const maker& make, serve_options given) {
  if (const checked found = check(given); !found) {
    std::fprintf(stderr, "%s: %s\n", ::program_invocation_short_name, found.error().c_str());
    return http::could_not_start;
  }
  std::optional<observe::json_log> lines;
  if (given.log) lines.emplace(STDERR_FILENO, *given.log);
  observe::json_log* const log = lines ? &*lines : nullptr;
  std::optional<told_failures> failures;
  if (lines) failures.emplace(*lines);
  observe::registry metrics;
  std::optional<observe::watchdog> dog;
  if (given.watchdog) dog.emplace(*given.watchdog, observe::watchdog_outputs{.log = log, .metrics = &metrics});
  chain::service all(metrics, {.log = log, .dog = dog ? &*dog : nullptr, .ids = given.ids, .requests = given.requests});
  http::serve_options options = given.http;
  all.join(options);
  return http::serve([&](unsigned) { return guarded(make, all.add_loop(), given); }, options);
}

int serve(const http::handler& handle, serve_options given) {
  return serve([&handle](chain::service_loop&) { return served{.handler = handle}; }, std::move(given));
}

int serve(const http::router& routes, serve_options given) {
  const auto make = [&routes](chain::service_loop&) {
    return served{.handler = routes.as_handler(), .route_of = access_log::by_router(routes)};
  };
  return serve(make, std::move(given));
}

}  // namespace assay::guard
