// The plain way to run a service, on real sockets and loops: what it has though nobody asked for it, and how each of it
// is switched off.
#include "stack/guard/serve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <source_location>
#include <string>
#include <thread>
#include <vector>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/runtime/unobserved.hpp"
#include "tests/stack/guard/serve_test_support.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using guard::testing::guest;
using guard::testing::hello;
using guard::testing::run;
using guard::testing::service_run;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Waits for as long as it may.
task<http::response> patient(http::request&) {
  const result<void> slept = co_await delay_for(1h);
  co_return slept ? http::response::text("at last\n") : http::response::from(slept.error());
}

TEST(serve_options, are_told_all_that_is_wrong_at_once) {
  EXPECT_TRUE(check(serve_options{}));
  serve_options wrong;
  wrong.guards.shed->max_in_flight = 0;
  wrong.guards.timeout->limit = 1min;
  wrong.http.loops = 0;
  wrong.watchdog->period = 11s;
  wrong.watchdog->task_dump_signal = 1;
  wrong.log->least = observe::level::error;
  wrong.metrics_path = "/health/live";
  wrong.tasks_path = "/health/live";
  const std::string lines =
      "shed.max_in_flight is 0; allowed: 1 to 1000000\n"
      "serve.http.loops is 0; allowed: 1 to 128\n"
      "serve.watchdog.period is 11 s; allowed: 1 ms to 1 s\n"
      "serve.watchdog.task_dump_signal is 1; allowed: 0, or a log of warnings, where it is told\n"
      "serve.guards.timeout.limit is 60 s; allowed: up to http.limits.handler_timeout, 30 s\n"
      "serve.metrics_path is \"/health/live\"; allowed: a path of its own, or empty\n"
      "serve.tasks_path is \"/health/live\"; allowed: a path of its own, or empty";
  EXPECT_EQ(check(wrong).error(), lines);
  const service_run seen = run(hello, wrong);
  EXPECT_EQ(seen.exit_code, 4);
  EXPECT_THAT(seen.log, HasSubstr(lines));
}

TEST(serve_options, a_task_dump_needs_a_log_that_takes_it) {
  serve_options given;
  given.watchdog->task_dump_signal = SIGUSR1;
  given.log->least = observe::level::warn;
  EXPECT_TRUE(check(given));
  given.log = std::nullopt;
  EXPECT_FALSE(check(given));
}

TEST(serve_options, sheds_before_connections_run_out) {
  serve_options given;
  given.guards.shed->max_in_flight = 99;
  given.http.limits.max_connections = 100;
  EXPECT_TRUE(check(given));
  given.guards.shed->max_in_flight = 100;
  EXPECT_EQ(check(given).error(),
            "serve.guards.shed.max_in_flight is 100; allowed: less than http.limits.max_connections, 100");
  given.guards.shed = std::nullopt;
  EXPECT_TRUE(check(given));
}

TEST(serve, a_handler_alone_has_health_checks_metrics_ids_and_a_log) {
  guest sees{
      .asks = {{.target = "/a"}, {.target = "/health/live"}, {.target = "/health/ready"}, {.target = "/metrics"}}};
  const service_run seen = run(hello, sees.visited());
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 200, 200, 200));
  EXPECT_EQ(sees.got.at(0).header("x-request-id").size(), 16U);
  EXPECT_THAT(sees.got.at(3).body,
              AllOf(HasSubstr("assay_http_requests_total{method=\"GET\",route=\"all\",status=\"200\"} 1\n"),
                    HasSubstr("assay_ready 1\n"), HasSubstr("assay_shed_limit 256\n")));
  EXPECT_THAT(seen.log, HasSubstr(R"("message":"request")"));
}

TEST(serve, routes_are_told_apart_in_the_metrics) {
  http::router routes;
  routes.add(http::method::get, "/items/{id}", http::handler(hello));
  guest sees{.asks = {{.target = "/items/7"}, {.target = "/nowhere"}, {.target = "/metrics"}}};
  serve_options given = sees.visited();
  given.requests.lines = false;
  const service_run seen = run(routes, given);
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_THAT(seen.log, Not(HasSubstr(R"("message":"request")"))) << "they are counted, and that is all";
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 404, 200));
  EXPECT_THAT(sees.got.at(2).body, HasSubstr("route=\"/items/{id}\",status=\"200\"} 1\n"));
}

TEST(serve, shows_its_live_tasks_to_this_host_and_to_nobody_beyond_a_proxy) {
  guest sees{.asks = {{.target = "/debug/tasks"},
                      {.target = "/debug/tasks", .headers = {{"x-forwarded-for", "192.0.2.7"}}},
                      {.verb = "POST", .target = "/debug/tasks"},
                      {.verb = "POST", .target = "/metrics"}}};
  EXPECT_EQ(run(hello, sees.visited()).exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 200, 405, 405));
  EXPECT_THAT(sees.got.at(0).body, AllOf(HasSubstr("loop "), HasSubstr("server.cpp:")));
  EXPECT_EQ(sees.got.at(1).body, "hello\n") << "what the service has at that path";
  EXPECT_EQ(sees.got.at(3).header("allow"), "GET, HEAD");
  EXPECT_EQ(sees.got.at(3).body, R"({"error":"method_not_allowed"})");
}

TEST(serve, what_waits_has_the_deadline_that_its_caller_has_left) {
  guest sees{.asks = {{.target = "/a", .headers = {{"request-timeout-ms", "20"}}}}};
  EXPECT_EQ(run(patient, sees.visited()).exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(504));
}

// Asks the service that it is, whose only place it has.
task<http::response> ask_oneself(guest* through, http::request& asked) {
  if (asked.path() != "/outer") co_return http::response::text("inner\n");
  http::client client({.host = "127.0.0.1", .address = *net::parse_address("127.0.0.1", through->port)});
  http::response reply = http::response::text("outer\n");
  for (const char* target : {"/inner", "/health/live", "/metrics"}) {
    auto inner = co_await client.send({.target = target});
    through->got_late.push_back(inner ? std::move(*inner) : http::client_response{});
  }
  co_return reply;
}

TEST(serve, what_is_too_much_is_refused_and_whoever_looks_is_not) {
  guest sees{.asks = {{.target = "/outer"}}};
  serve_options given = sees.visited();
  given.guards.shed = shed::options{.max_in_flight = 1, .max_waiting = 0};
  const http::handler handle = [&sees] ASSAY_CORO_WRAPPER(http::request & asked) { return ask_oneself(&sees, asked); };
  const service_run seen = run(handle, given);
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200));
  ASSERT_EQ(sees.got_late.size(), 3U);
  EXPECT_EQ(sees.got_late[0].status, 503);
  EXPECT_EQ(sees.got_late[0].header("retry-after"), "1");
  EXPECT_EQ(sees.got_late[1].status, 200);
  EXPECT_EQ(sees.got_late[2].status, 200);
  EXPECT_THAT(seen.log, HasSubstr(R"("reason":"overloaded")"));
}

TEST(serve, each_of_it_can_be_switched_off) {
  guest sees{.asks = {{.target = "/health/live", .headers = {{"request-timeout-ms", "0"}}},
                      {.target = "/metrics"},
                      {.target = "/debug/tasks"}}};
  serve_options given = sees.visited();
  given.guards.shed = std::nullopt;
  given.guards.timeout = std::nullopt;
  given.guards.drain = {.delay = 0s, .live_path = {}, .ready_path = {}};
  given.log = std::nullopt;
  given.watchdog = std::nullopt;
  given.ids = std::nullopt;
  given.metrics_path = {};
  given.tasks_path = {};
  const service_run seen = run(hello, given);
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 200, 200));
  for (const auto& each : sees.got) {
    EXPECT_EQ(each.body, "hello\n");
    EXPECT_EQ(each.header("x-request-id"), "");
  }
  EXPECT_THAT(seen.log, Not(HasSubstr("{")));
}

TEST(serve, gives_the_failures_that_nobody_saw_back_to_the_log_that_had_them) {
  const int file = ::memfd_create("log", MFD_CLOEXEC);
  ASSERT_GE(file, 0);
  {
    observe::json_log mine(file);
    observe::report_failures_to(&mine);
    guest sees;
    EXPECT_EQ(run(hello, sees.visited()).exit_code, 0);
    report_unobserved({.where = std::source_location::current(),
                       .failure = error{.code = errc::reset, .what = "late"},
                       .thrown = nullptr});
    observe::report_failures_to(nullptr);
  }
  std::string text(4096, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  ASSERT_GT(got, 0) << "it was told to nobody";
  EXPECT_THAT(text, HasSubstr("\"failure\":\"late: reset\""));
}

}  // namespace
}  // namespace assay::guard
