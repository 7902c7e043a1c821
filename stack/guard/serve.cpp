#include "stack/guard/serve.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>
#include <vector>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/http/settings.hpp"
#include "stack/runtime/combine.hpp"
#include "stack/runtime/offload.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;

constexpr unsigned most_loops = 128;   // each has a shard of the metrics, and there are others
constexpr std::size_t most_looks = 4;  // at the tasks, that wait for another; who comes then is told 503

// A page for whoever runs the service.
struct page {
  std::string path;  // empty: nowhere
  bool is_for_this_host = false;
  http::handler show;
};

// In JSON, as the health checks say it.
task<http::response> not_allowed() {
  http::response refused = http::response::json(R"({"error":"method_not_allowed"})", 405);
  refused.headers.emplace_back("allow", "GET, HEAD");
  co_return refused;
}

// Outside of every limit but that on connections: an overload is when somebody wants to look.
http::handler with_pages(std::vector<page> pages, chain::service_loop& here, http::handler next) {
  std::erase_if(pages, [](const page& each) { return each.path.empty(); });
  return [pages = std::move(pages), &here, next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
    for (const page& each : pages) {
      if (asked.path() != each.path || (each.is_for_this_host && !access_log::is_from_this_host(asked))) continue;
      if (asked.verb() != http::method::get && asked.verb() != http::method::head) return not_allowed();
      here.numbers().touch();
      return each.show(asked);
    }
    return next(asked);
  };
}

// Of one loop. It belongs to its handler, and so to its thread.
struct kept {
  std::shared_ptr<const void> keeps;  // goes last
  task_function<task<result<void>>()> background;
  std::function<void()> on_drain;
};
using kept_by_loops = std::vector<std::weak_ptr<const kept>>;

// Around all else of a loop, since routes and readiness refer to it as well.
http::handler keeping(std::shared_ptr<const kept> held, http::handler next) {
  return [held = std::move(held), next = std::move(next)] ASSAY_CORO_WRAPPER(http::request & asked) {
    return next(asked);
  };
}

http::handler guarded(const maker& make, chain::service_loop& here, const serve_options& given, offload_pool* lookers,
                      kept_by_loops& into) {
  served own = make(here);
  chain::server_options wanted = given.guards;
  if (own.readiness) wanted.readiness = std::move(own.readiness);
  auto made = here.around(std::move(own.handler), std::move(own.route_of), std::move(wanted));
  const auto held =
      std::make_shared<const kept>(std::move(own.keeps), std::move(own.background), std::move(own.on_drain));
  into.push_back(held);
  http::handler whole = keeping(held, http::or_refuse(std::move(made)));
  std::vector<page> pages = {{.path = given.metrics_path, .show = access_log::metrics_endpoint(here.metrics())}};
  if (lookers != nullptr) {
    pages.push_back({.path = given.tasks_path, .is_for_this_host = true, .show = access_log::tasks_endpoint(*lookers)});
  }
  return with_pages(std::move(pages), here, std::move(whole));
}

using loop_background = decltype(http::serve_options::background);

task<result<void>> run_all(const kept* of, const loop_background* also, unsigned index) {
  std::vector<task<result<void>>> all;
  if (of->background) all.push_back(of->background());
  if (*also) all.push_back((*also)(index));
  const auto ended = co_await when_all(std::move(all));
  if (!ended) co_return std::unexpected(ended.error());
  co_return result<void>{};
}

// What each loop brought is told as well. `of` is filled before the first of them runs.
void join(const kept_by_loops& of, http::serve_options& options) {
  options.background = [&of, also = std::move(options.background)] ASSAY_CORO_WRAPPER(unsigned index) {
    return run_all(of[index].lock().get(), &also, index);
  };
  options.on_drain = [&of, also = std::move(options.on_drain)](unsigned index) {
    if (const auto held = of[index].lock(); held && held->on_drain) held->on_drain();
    if (also) also(index);
  };
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
    into.span("watchdog.period", given.watchdog->period, 1ms, 1s);
    into.span("watchdog.stall.report_after", given.watchdog->stall.report_after, 1ms, 10s);
    into.span("watchdog.stall.unready_after", given.watchdog->stall.unready_after, given.watchdog->stall.report_after,
              1h);
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
  const auto check_path = [&into, &drain = given.guards.drain](const char* name, const std::string& path,
                                                               const std::string& other) {
    const bool is_path = path.starts_with('/') && !path.contains('?');
    const bool is_taken = path == drain.live_path || path == drain.ready_path || path == other;
    into.that(path.empty() || (is_path && !is_taken), name, "\"" + path + "\"", "a path of its own, or empty");
  };
  check_path("metrics_path", given.metrics_path, {});
  check_path("tasks_path", given.tasks_path, given.metrics_path);
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
  std::optional<offload_pool> lookers;
  if (!given.tasks_path.empty()) lookers.emplace(offload_options{.threads = 1, .max_queued = most_looks});
  http::serve_options options = given.http;
  all.join(options);
  kept_by_loops by_loops;
  join(by_loops, options);
  const auto make_one = [&](unsigned) {
    return guarded(make, all.add_loop(), given, lookers ? &*lookers : nullptr, by_loops);
  };
  return http::serve(make_one, options);
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
