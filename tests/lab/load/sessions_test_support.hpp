// Whole runs of sessions in virtual time, each of which ends with the proof that every request was accounted for once.
//
// Misuse: two runs with seconds in one test; they would be asked for those of the second.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/session_engine.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "tests/lab/load/load_test_support.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {

inline constexpr duration latency = std::chrono::microseconds(50);  // one way

inline model::scenario_step step(const std::string& method, const std::string& target) {
  return {.request = route(method, target), .place = "s.yaml:1:1"};
}

inline model::think_time pause(duration mean) { return {.mean = mean}; }

struct sessions : ::testing::Test {
  sessions() {
    options.url = "http://127.0.0.1:" + std::to_string(port) + "/";
    options.length = std::chrono::seconds(1);
    scenarios = {{.name = "s", .rate_per_s = 10, .steps = {step("GET", "/a"), step("GET", "/b")}}};
  }

  model::load_result run() {
    auto made = std::make_unique<sim_io>(sim_options{.latency = latency});
    network = made.get();
    loop on(std::move(made));
    const auto plan = plan_sessions(scenarios, options);
    if (!plan) {
      ADD_FAILURE() << plan.error();
      return {};
    }
    model::load_result result;
    on.run(staged(&on, &*plan, &result));
    EXPECT_EQ(network->open_sockets(), 0U);
    EXPECT_EQ(network->lent_buffers(), 0U);
    EXPECT_EQ(assay::detail::live_frames(), 0U);
    expect_accounts(result);
    if (series) expect_seconds(result);
    return result;
  }

  task<void> staged(loop* on, const session_plan* plan, model::load_result* into) {
    const socket_address at = *net::parse_address("127.0.0.1", port);
    scope servers(co_await this_context());
    servers.spawn(server.serve_all(*network, at));
    {
      if (plan->work.keep_seconds) series.emplace(plan->work.length(), 1U);
      windows.emplace(plan->work);
      session_generator load(*on, *plan, at, live, series ? &*series : nullptr, &*windows);
      const result<void> ready = co_await load.connect();
      EXPECT_TRUE(ready);
      start = network->now() + std::chrono::milliseconds(10);
      for (auto& [offset, look] : looks) network->at(start + offset, std::move(look));
      if (stop_at) network->at(start + *stop_at, [&load] { load.stop(); });
      co_await load.run(start);
      took = network->now() - start;
      std::vector<thread_outcome> threads;
      const std::uint64_t due = load.due();
      const instant ended = load.ended();
      threads.push_back(
          {.measured = load.take_measured(), .sending = {.wall = took}, .due = due, .ended = ended, .backend = "sim"});
      *into = session_result_of(*plan, load.sessions(), threads, series ? &*series : nullptr, start,
                                stop_at.has_value(), &*windows);
    }
    servers.cancel(cancel_reason::shutdown);
    std::ignore = co_await servers.join();
  }

  static void expect_accounts(const model::load_result& seen) {
    std::uint64_t ended = seen.requests;
    for (const auto& [kind, count] : seen.errors) ended += is_of_answers(kind) ? 0 : count;
    EXPECT_EQ(ended, seen.offered_requests) << "every request ends as exactly one thing";
    EXPECT_NEAR(seen.generator.little_residual, 0, 1e-9);
    for (const model::load_sessions& each : seen.sessions) {
      EXPECT_EQ(each.finished + each.abandoned + each.cut, each.started) << "and so does every session";
      EXPECT_LE(each.started, each.offered);
      EXPECT_EQ(each.time.count(), each.finished);
    }
  }

  void expect_seconds(const model::load_result& seen) const {
    std::uint64_t offered = 0;
    std::uint64_t answered = 0;
    for (std::size_t i = 0; i < series->begun_by(seen.duration); ++i) {
      EXPECT_TRUE(series->is_over(i)) << i;
      offered += series->sums(i).offered;
      answered += series->sums(i).answered;
    }
    EXPECT_EQ(offered, seen.offered_requests) << "each is in one second";
    EXPECT_EQ(answered, seen.requests);
  }

  load_options options;
  std::vector<model::scenario> scenarios;
  responder server;
  sim_io* network = nullptr;
  live_counters live;
  instant start{};
  duration took{};
  std::optional<duration> stop_at;
  std::optional<second_series> series;  // where the options keep seconds
  std::optional<run_windows> windows;   // of the options' objectives
  std::vector<std::pair<duration, std::function<void()>>> looks;
};

}  // namespace assay::load
