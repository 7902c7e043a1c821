// Real threads and sockets. No times are judged here.
#include "lab/load/workload_engine.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/lab/load/live_server.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

struct engine_of_phases : ::testing::Test {
  engine_of_phases() {
    options.address = server.address();
    options.routes = {route("GET", "/a", 3), route("POST", "/b/{key}", 1)};
    options.routes[1].values["key"].from = model::value_source::kind::uuid;
    options.routes[1].acknowledged_by = "key";
    options.phases = {phase("first", 400, 600ms), phase("second", 1000, 600ms)};
    options.arrivals = model::arrival_law::constant;
    options.connections = 6;
    options.threads = 2;
    options.io.kind = io_kind::epoll;
  }
  const live_server server;
  workload_options options;
};

TEST_F(engine_of_phases, threads_share_phases_and_seconds) {
  std::vector<instant> starts;
  workload_engine run(bind_workload(options).value(), options.phases, [&](instant start) { starts.push_back(start); });
  EXPECT_EQ(run.phase_offset(0), 0s);
  EXPECT_EQ(run.phase_offset(1), 600ms);
  EXPECT_EQ(run.phase_offset(2), 1200ms);
  EXPECT_EQ(run.look().elapsed, 0s);
  const auto seen = run.run();
  ASSERT_TRUE(seen) << seen.error();
  ASSERT_EQ(starts.size(), 1U);
  EXPECT_EQ(starts[0], seen->start);
  EXPECT_EQ(seen->phases[0].all.offered, 240U);
  EXPECT_EQ(seen->phases[1].all.offered, 600U);
  EXPECT_EQ(seen->phases[1].all.answered, 600U);
  EXPECT_EQ(seen->length, 1200ms);
  EXPECT_FALSE(seen->interrupted);
  EXPECT_EQ(seen->connects, 6U);
  EXPECT_EQ(seen->io_backend, "epoll");
  ASSERT_EQ(seen->seconds.size(), 2U);
  EXPECT_EQ(seen->seconds[0].offered, 640U);
  EXPECT_EQ(seen->seconds[1].offered, 200U);
  const std::set<std::string> keys(seen->writes.acknowledged.begin(), seen->writes.acknowledged.end());
  EXPECT_EQ(keys.size(), seen->phases[0].routes[1].answered + seen->phases[1].routes[1].answered);
  const workload_view last = run.look();
  EXPECT_EQ(last.offered, 840U);
  EXPECT_EQ(last.answers, 840U);
  EXPECT_EQ(last.phase, 1U);
  EXPECT_EQ(last.behind, 0s);
  ASSERT_TRUE(last.last);
  EXPECT_EQ(last.last->offered, 200U);
}

TEST_F(engine_of_phases, can_be_stopped_from_another_thread) {
  options.phases = {phase("first", 2000, 1h), phase("second", 1000, 1h)};
  workload_engine run(bind_workload(options).value(), options.phases);
  std::optional<std::expected<workload_result, std::string>> seen;
  std::thread running([&] { seen = run.run(); });
  while (run.look().answers < 50) std::this_thread::yield();
  for (int again = 0; again < 3; ++again) run.stop();
  running.join();
  ASSERT_TRUE(*seen) << seen->error();
  EXPECT_TRUE((*seen)->interrupted);
  ASSERT_EQ((*seen)->phases.size(), 1U);
  EXPECT_LT((*seen)->phases[0].length_s, 3600);
  const model::route_measurement& all = (*seen)->phases[0].all;
  std::uint64_t accounted = all.answered;
  for (const auto& [kind, count] : all.errors) accounted += count;
  EXPECT_EQ(accounted, all.offered);
}

TEST_F(engine_of_phases, a_candidate_that_cannot_be_reached_is_an_error_and_starts_no_clock) {
  {
    const live_server gone;
    options.address = gone.address();
  }
  bool started = false;
  workload_engine run(bind_workload(options).value(), options.phases, [&](instant) { started = true; });
  const auto seen = run.run();
  ASSERT_FALSE(seen);
  EXPECT_TRUE(seen.error().starts_with("cannot connect to 127.0.0.1:")) << seen.error();
  EXPECT_FALSE(started);
}

}  // namespace
}  // namespace assay::load
