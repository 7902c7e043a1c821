// What ends a service of guard::serve, and what comes in between: stalls, stragglers, and whose part goes when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "stack/observe/exposition.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/guard/serve_test_support.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using guard::testing::guest;
using guard::testing::hello;
using guard::testing::run;
using guard::testing::service_run;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

TEST(serve_end, a_loop_that_stalled_for_long_is_not_ready) {
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

TEST(serve_end, what_is_at_work_after_the_drain_timeout_is_cut_for_the_shutdown_and_the_exit_code_says_so) {
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

TEST(serve_end, says_that_it_goes_before_it_closes_its_door) {
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

TEST(serve_end, what_runs_beside_a_loop_comes_with_its_handler) {
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

TEST(serve_end, what_a_loop_owns_goes_on_its_thread_and_what_is_kept_goes_last) {
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

}  // namespace
}  // namespace assay::guard
