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
#include "stack/net/address.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A port that was free a moment ago.
std::uint16_t free_port() {
  auto backend = make_io({.kind = io_kind::epoll});
  const auto held = net::listener::open(**backend, *net::parse_address("127.0.0.1", 0));
  return net::port_of(held->local_address());
}

// A client beside the service, on its loop: it asks one thing after the other, and then the process to end.
struct guest {
  std::vector<http::client_request> asks;
  std::vector<http::client_response> got = {};
  std::vector<http::client_response> got_late = {};  // of what was asked again after SIGTERM
  std::uint16_t port = free_port();
  bool asks_late = false;

  static task<void> ask(guest* self, std::vector<http::client_response>* into) {
    http::client client({.host = "127.0.0.1", .address = *net::parse_address("127.0.0.1", self->port)});
    for (const http::client_request& each : self->asks) {
      auto answer = co_await client.send(each);
      into->push_back(answer ? std::move(*answer) : http::client_response{});
    }
  }
  static task<result<void>> come(guest* self) {
    co_await ask(self, &self->got);
    ::kill(::getpid(), SIGTERM);
    if (self->asks_late) {
      co_await ask_once_it_drains(self);
      ::kill(::getpid(), SIGTERM);  // which does not wait for the delay
    }
    co_return result<void>{};
  }
  // The signal comes to a thread, and from there to the loop.
  static task<void> ask_once_it_drains(guest* self) {
    while (self->got_late.empty() || self->got_late.front().status == 200) {
      self->got_late.clear();
      co_await ask(self, &self->got_late);
      if (!co_await delay_for(1ms)) co_return;
    }
  }

  // The options of a service that this one visits.
  serve_options visited() {
    serve_options given;
    given.http.host = "127.0.0.1";
    given.http.port = port;
    given.http.background = [this] ASSAY_CORO_WRAPPER(unsigned) { return come(this); };
    given.guards.drain.delay = 10ms;
    return given;
  }

  std::vector<int> statuses() const {
    std::vector<int> all;
    for (const auto& each : got) all.push_back(each.status);
    return all;
  }
};

task<http::response> hello(http::request&) { co_return http::response::text("hello\n"); }

// Waits for as long as it may.
task<http::response> patient(http::request&) {
  const result<void> slept = co_await delay_for(1h);
  co_return slept ? http::response::text("at last\n") : http::response::from(slept.error());
}

struct service_run {
  int exit_code = -1;
  std::string log;
};

template <class Handler>
service_run run(const Handler& what, serve_options given) {
  ::testing::internal::CaptureStderr();
  const int code = serve(what, std::move(given));
  return {.exit_code = code, .log = ::testing::internal::GetCapturedStderr()};
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

// Holds its loop up until the watchdog has said so.
task<http::response> stall(const observe::registry* metrics) {
  const auto end = std::chrono::steady_clock::now() + 20s;
  const auto is_noticed = [metrics] {
    return observe::expose(*metrics, observe::exposition::prometheus).contains("assay_ready 0\n");
  };
  while (!is_noticed() && std::chrono::steady_clock::now() < end) {
  }
  co_return http::response::text("done\n");
}

std::string_view line_of(std::string_view log, std::string_view message) {
  const std::size_t at = log.find(message);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = log.rfind('\n', at) + 1;
  return log.substr(begin, log.find('\n', at) - begin);
}

TEST(serve, a_loop_that_stalled_for_long_is_not_ready) {
  guest sees{.asks = {{.target = "/health/ready"}, {.target = "/stall"}, {.target = "/health/ready"}}};
  serve_options given = sees.visited();
  given.watchdog->stall = {.report_after = 25ms, .unready_after = 50ms, .recover_after = 1h};
  given.watchdog->capture_limit = 10s;
  const auto make = [](chain::service_loop& here) -> served {
    return {.handler = [metrics = &here.metrics()] ASSAY_CORO_WRAPPER(http::request&) { return stall(metrics); }};
  };
  const service_run seen = run(maker(make), given);
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 200, 503));
  EXPECT_THAT(seen.log, HasSubstr("a loop is stalled for long: not ready"));
  EXPECT_THAT(line_of(seen.log, "the loop is stalled\""), HasSubstr("::stall("));
}

// One that is still at work when a service has waited long enough.
struct straggler {
  bool begun = false;
  std::string ended_by;
};

task<http::response> straggle(straggler* self) {
  self->begun = true;
  const result<void> slept = co_await delay_for(1h);
  self->ended_by = slept ? "itself" : label(slept.error().reason);
  co_return http::response::text("late\n");
}

task<result<void>> ask_and_end_it(guest* sees, straggler* until) {
  scope children(co_await this_context());
  children.spawn(guest::ask(sees, &sees->got));
  while (!until->begun) {
    if (const result<void> slept = co_await delay_for(1ms); !slept) co_return slept;
  }
  ::kill(::getpid(), SIGTERM);
  co_return co_await children.join();
}

TEST(serve, what_is_at_work_after_the_drain_timeout_is_cut_for_the_shutdown_and_the_exit_code_says_so) {
  guest sees{.asks = {{.target = "/"}}};
  straggler late;
  serve_options given = sees.visited();
  given.http.background = [&] ASSAY_CORO_WRAPPER(unsigned) { return ask_and_end_it(&sees, &late); };
  given.http.limits.drain_timeout = 50ms;
  const auto make = [&late](chain::service_loop&) -> served {
    return {.handler = [&late] ASSAY_CORO_WRAPPER(http::request&) { return straggle(&late); }};
  };
  const service_run seen = run(maker(make), given);
  EXPECT_EQ(seen.exit_code, 1);
  EXPECT_EQ(late.ended_by, "shutdown");
}

TEST(serve, says_that_it_goes_before_it_closes_its_door) {
  guest sees{.asks = {{.target = "/health/ready"}}, .asks_late = true};
  serve_options given = sees.visited();
  given.guards.drain.delay = 600s;
  std::vector<std::string> told;
  given.http.on_stop = [&told](unsigned, instant) {
    told.emplace_back("stop");
    return duration::zero();
  };
  given.http.on_drain = [&told](unsigned) { told.emplace_back("drain"); };
  given.http.on_end = [&told](unsigned) { told.emplace_back("end"); };
  const service_run seen = run(hello, given);
  EXPECT_EQ(seen.exit_code, 0);
  ASSERT_EQ(sees.got_late.size(), 1U);
  EXPECT_EQ(sees.got_late[0].status, 503);
  EXPECT_THAT(told, ElementsAre("stop", "drain", "end")) << "what the program itself has to do then is done as well";
}

struct ending {
  std::string of;
  std::thread::id on;
};

// A part of what a loop owns.
class owned {
 public:
  owned(const char* name, std::vector<ending>* told) : name_(name), told_(told) {}
  ~owned() { told_->push_back({.of = name_, .on = std::this_thread::get_id()}); }
  owned(const owned&) = delete;
  owned& operator=(const owned&) = delete;

 private:
  std::string name_;
  std::vector<ending>* told_;
};

task<result<void>> well() { co_return result<void>{}; }

// Goes on until it is told to end.
task<result<void>> note_the_end(std::vector<std::string>* told) {
  const result<void> slept = co_await delay_for(1h);
  told->push_back("background: " + std::string(slept ? "slept" : label(slept.error().code)));
  co_return slept;
}

TEST(serve, what_runs_beside_a_loop_comes_with_its_handler) {
  std::vector<std::string> told;
  const auto make = [&told](chain::service_loop&) -> served {
    return {.handler = hello,
            .background = [&told] ASSAY_CORO_WRAPPER() { return note_the_end(&told); },
            .on_drain = [&told] { told.emplace_back("its own"); }};
  };
  guest sees{.asks = {{.target = "/a"}}};
  serve_options given = sees.visited();
  given.http.on_drain = [&told](unsigned) { told.emplace_back("that of the options"); };
  EXPECT_EQ(run(maker(make), given).exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200)) << "what the options have runs as well";
  EXPECT_THAT(told, ElementsAre("its own", "that of the options", "background: cancelled"));
}

TEST(serve, what_a_loop_owns_goes_on_its_thread_and_what_is_kept_goes_last) {
  std::vector<ending> ended;
  std::thread::id loop_thread;
  const auto make = [&ended](chain::service_loop&) -> served {
    const auto part = [&ended](const char* name) { return std::make_shared<owned>(name, &ended); };
    return {.handler = [mine = part("handler")] ASSAY_CORO_WRAPPER(http::request & asked) { return hello(asked); },
            .route_of = [mine = part("route_of")](const http::request&) { return std::string_view("all"); },
            .readiness = [mine = part("readiness")] ASSAY_CORO_WRAPPER() { return well(); },
            .background = [mine = part("background")] ASSAY_CORO_WRAPPER() { return well(); },
            .on_drain = [mine = part("on_drain")] {},
            .keeps = part("keeps")};
  };
  guest sees{.asks = {{.target = "/a"}, {.target = "/health/ready"}}};
  serve_options given = sees.visited();
  given.http.on_end = [&loop_thread](unsigned) { loop_thread = std::this_thread::get_id(); };
  EXPECT_EQ(run(maker(make), given).exit_code, 0);
  EXPECT_THAT(sees.statuses(), ElementsAre(200, 200));
  ASSERT_EQ(ended.size(), 6U);
  EXPECT_EQ(ended.back().of, "keeps");
  for (const ending& each : ended) EXPECT_EQ(each.on, loop_thread) << each.of << " outlived its loop";
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
