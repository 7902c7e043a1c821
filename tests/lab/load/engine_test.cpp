// Real threads and real sockets: that shares add up and that a run can be ended from outside. No times are judged here.
#include "lab/load/engine.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <optional>
#include <thread>
#include <tuple>

#include "tests/lab/load/live_server.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

load_plan plan_for(const std::string& url, std::optional<double> rate, duration length) {
  load_options options;
  options.url = url;
  options.rate_per_s = rate;
  options.length = length;
  options.connections = 6;
  options.threads = 2;
  options.io.kind = io_kind::epoll;
  return *normalize(options);
}

TEST(engine, threads_share_one_schedule) {
  const live_server server;
  load_engine engine(plan_for(server.url(), 2000, 250ms));
  const auto result = engine.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->offered_requests, 500U);
  EXPECT_EQ(result->requests, 500U);
  EXPECT_EQ(result->latency.response_time.count(), 500U);
  EXPECT_EQ(result->connects, 6U);
  EXPECT_EQ(result->duration, 250ms);
  EXPECT_TRUE(result->errors.empty());
  EXPECT_FALSE(result->interrupted);
  EXPECT_LT(result->generator.little_residual, 1e-9);
  EXPECT_EQ(result->io_backend, "epoll");
  EXPECT_EQ(engine.look().answers, 500U);
}

// On io_uring the kernel tells when each answer of the open model came, and answers are read when a request is due.
TEST(engine, answers_are_stamped_by_the_kernel) {
  const live_server server;
  load_plan plan = plan_for(server.url(), 2000, 250ms);
  plan.options.io.kind = io_kind::automatic;
  plan.options.tick = 1ms;
  const auto result = load_engine(plan).run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->requests, 500U);
  EXPECT_TRUE(result->errors.empty());
  ASSERT_TRUE(result->arrivals_seen);
  EXPECT_EQ(result->arrivals_seen->spans, 250U) << "of a tick each";
  // Linux begins with it some moments after it is asked.
  EXPECT_EQ(result->generator.stamped_answers > 0, result->io_backend == "io_uring");
  EXPECT_LE(result->generator.stamped_answers, 500U);
  plan.options.rate_per_s.reset();
  plan.options.tick = {};
  EXPECT_EQ(load_engine(plan).run()->generator.stamped_answers, 0U)
      << "in the closed model they are read when they come";
}

TEST(engine, a_run_can_be_ended_from_another_thread) {
  const live_server server;
  for (const std::optional<double> rate : {std::optional<double>(500), std::optional<double>()}) {
    load_engine engine(plan_for(server.url(), rate, 1h));
    std::optional<std::expected<model::load_result, std::string>> result;
    std::thread running([&] { result = engine.run(); });
    while (engine.look().answers < 20) std::this_thread::yield();
    for (int again = 0; again < 3; ++again) engine.stop();
    running.join();
    ASSERT_TRUE(*result) << result->error();
    EXPECT_TRUE((*result)->interrupted);
    EXPECT_GE((*result)->requests, 20U);
    EXPECT_LT((*result)->duration, 1h);
  }
}

// Whatever moment the stop meets: connecting, before the first arrival, or running.
TEST(engine, a_stop_at_any_moment_ends_the_run) {
  const live_server server;
  for (int round = 0; round < 30; ++round) {
    load_engine engine(plan_for(server.url(), 5000, 1h));
    std::thread stopping([&engine, round] {
      for (int look = 0; look < round * 2000; ++look) std::ignore = engine.look();  // up to some 20 ms
      engine.stop();
    });
    const auto result = engine.run();
    stopping.join();
    if (result) {
      EXPECT_TRUE(result->interrupted);
      std::uint64_t accounted = result->requests;
      for (const auto& [kind, count] : result->errors) accounted += count;
      EXPECT_EQ(accounted, result->offered_requests);
    } else {
      EXPECT_EQ(result.error(), "interrupted before every connection was open");
    }
  }
}

TEST(engine, what_cannot_be_reached_is_one_line) {
  std::string url;
  {
    const live_server gone;
    url = gone.url();
  }
  const auto refused = load_engine(plan_for(url, 10, 1s)).run();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().starts_with("cannot connect to 127.0.0.1:")) << refused.error();
  const auto unresolved = load_engine(plan_for("http://no-such-host.invalid/", 10, 1s)).run();
  ASSERT_FALSE(unresolved);
  EXPECT_TRUE(unresolved.error().starts_with("cannot resolve \"no-such-host.invalid\": ")) << unresolved.error();
}

}  // namespace
}  // namespace assay::load
