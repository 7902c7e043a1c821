// Workloads of several routes and phases in virtual time: what belongs where, to the request and to the nanosecond.
#include "tests/effort.hpp"
#include "tests/lab/load/load_test_support.hpp"
#include "tests/lab/load/workload_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using kind = model::value_source::kind;
using counts = std::map<std::string, std::uint64_t>;

constexpr duration latency = 50us;  // one way

struct phases : ::testing::Test {
  phases() {
    several.routes = {route("GET", "/a")};
    several.phases = {phase("warm", 100, 1s), phase("steady", 200, 2s), phase("burst", 1000, 500ms),
                      phase("rest", 50, 1500ms)};
    several.arrivals = model::arrival_law::constant;
    several.connections = 64;
  }
  world stage{latency};
  workload_options several;
};

TEST_F(phases, each_has_the_arrivals_of_its_rate_and_length) {
  const workload_result seen = stage.run(several);
  ASSERT_EQ(seen.phases.size(), 4U);
  const std::vector<std::uint64_t> offered = {100, 400, 500, 75};
  const std::vector<double> starts = {0, 1, 3, 3.5};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(seen.phases[i].name, several.phases[i].name);
    EXPECT_EQ(seen.phases[i].all.offered, offered[i]);
    EXPECT_EQ(seen.phases[i].all.answered_well, offered[i]);
    EXPECT_EQ(seen.phases[i].all.latency.response_time.max(), ns(2 * latency));
    EXPECT_DOUBLE_EQ(seen.phases[i].start_s, starts[i]);
    EXPECT_TRUE(seen.phases[i].valid);
  }
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  ASSERT_EQ(seen.seconds.size(), 5U);
  const std::vector<std::uint64_t> by_second = {100, 200, 200, 525, 50};
  for (std::size_t s = 0; s < 5; ++s) {
    EXPECT_EQ(seen.seconds[s].offered, by_second[s]);
    EXPECT_DOUBLE_EQ(seen.seconds[s].at_s, static_cast<double>(s));
    EXPECT_NEAR(seen.seconds[s].response_p99_ms, 0.1, 0.001);
  }
  EXPECT_EQ(seen.length, 5s);
  expect_sums_agree(seen);
}

// Frozen from 2.5 s to 3.2 s: over a boundary. Each request is charged where it was meant to be sent.
TEST_F(phases, a_freeze_over_a_boundary_is_charged_to_the_phase_and_second_of_the_intention) {
  several.phases = {phase("first", 100, 1s), phase("second", 100, 2s), phase("third", 200, 2s)};
  constexpr duration stops = 2500ms + 300us;
  constexpr duration runs_again = 3200ms + 300us;
  stage.at(stops, [&] { stage.hold_server_until(runs_again); });
  const workload_result seen = stage.run(several);

  std::vector<duration> arrivals;
  for (int k = 0; k < 300; ++k) arrivals.push_back(k * duration(10ms));
  for (int k = 0; k < 400; ++k) arrivals.push_back(3s + k * duration(5ms));
  const expected_times all = queue_model(arrivals, several.connections, [&](duration sent) {
    const duration reached = sent + latency;
    return (reached >= stops && reached < runs_again ? runs_again : reached) + latency;
  });
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::vector<duration>(all.response.begin() + static_cast<std::ptrdiff_t>(from),
                                 all.response.begin() + static_cast<std::ptrdiff_t>(to));
  };
  expect_same(seen.phases[0].all.latency.response_time, part(0, 100));
  expect_same(seen.phases[1].all.latency.response_time, part(100, 300));
  expect_same(seen.phases[2].all.latency.response_time, part(300, 700));
  // By hand: the first arrival caught is that of 2.51 s; in the third phase it is its very first.
  EXPECT_EQ(seen.phases[1].all.latency.response_time.max(), ns(runs_again + latency - 2510ms));
  EXPECT_EQ(seen.phases[2].all.latency.response_time.max(), ns(runs_again + latency - 3s));
  EXPECT_NEAR(seen.seconds[2].response_max_ms, 690.35, 1e-6);
  EXPECT_NEAR(seen.seconds[3].response_max_ms, 200.35, 1e-6);
  EXPECT_NEAR(seen.seconds[1].response_max_ms, 0.1, 1e-6);
  EXPECT_TRUE(seen.valid) << "a frozen candidate is a result";
  expect_sums_agree(seen);
}

TEST_F(phases, the_backlog_of_an_overload_is_charged_in_the_phases_after_it) {
  several.phases = {phase("burst", 1000, 1s), phase("rest", 100, 2s)};
  several.timeout = 3s;
  stage.server.one_at_a_time = true;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 2ms}; };
  const workload_result seen = stage.run(several);
  // 1000 requests of 2 ms: the first of the rest, meant at 1 s, is served after 2.002 s.
  EXPECT_EQ(seen.phases[1].all.latency.response_time.max(), ns(1002ms + 2 * latency));
  EXPECT_EQ(seen.phases[0].all.latency.response_time.max(), ns(1001ms + 2 * latency));
  EXPECT_EQ(seen.phases[1].all.answered_well, 200U);
  expect_sums_agree(seen);
}

// The candidate goes on answering, but not within the patience of whoever meant to ask.
TEST_F(phases, an_answer_that_comes_after_the_timeout_from_the_intention_is_no_goodput) {
  several.phases = {phase("burst", 1000, 1s)};
  several.timeout = 500ms;
  several.connections = 1;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 2ms}; };
  const workload_result seen = stage.run(several);
  const model::route_measurement& all = seen.phases[0].all;
  EXPECT_GT(all.answered, 700U);
  // Answer k comes at (k + 1) * 2.1 ms, and was meant at k ms.
  EXPECT_EQ(all.answered_well, 453U);
  EXPECT_TRUE(all.errors.contains("unsent"));
  expect_sums_agree(seen);
}

TEST_F(phases, a_pause_offers_nothing) {
  several.phases = {phase("load", 100, 1s), phase("pause", 0, 2s), phase("again", 100, 1s)};
  const workload_result seen = stage.run(several);
  EXPECT_EQ(seen.phases[1].all.offered, 0U);
  EXPECT_EQ(seen.phases[2].all.offered, 100U);
  EXPECT_EQ(seen.seconds[2].offered, 0U);
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  expect_sums_agree(seen);
}

TEST_F(phases, stopped_midway_keeps_the_phases_and_whole_seconds_so_far) {
  stage.at(2300ms, [&] { stage.stop_load(); });
  const workload_result seen = stage.run(several);
  EXPECT_TRUE(seen.interrupted);
  ASSERT_EQ(seen.phases.size(), 2U);
  EXPECT_DOUBLE_EQ(seen.phases[1].length_s, 1.3);
  EXPECT_EQ(seen.phases[0].all.offered, 100U);
  EXPECT_NEAR(static_cast<double>(seen.phases[1].all.offered), 260, 1);
  ASSERT_EQ(seen.seconds.size(), 2U);
  EXPECT_EQ(seen.seconds[1].offered, 200U);
}

TEST_F(phases, a_dead_candidate_ends_the_run_and_counts) {
  stage.at(1500ms + 300us, [&] { stage.kill_server(); });
  const workload_result seen = stage.run(several);
  EXPECT_EQ(seen.phases[0].all.answered, 100U);
  EXPECT_EQ(seen.phases[1].all.answered, 101U);
  EXPECT_EQ(seen.phases[2].all.errors, (counts{{"connect", 500}}));
  EXPECT_EQ(seen.phases[2].all.latency.response_time.count(), 0U) << "a fast failure improves no percentile";
  EXPECT_TRUE(seen.valid) << "it is the candidate that died";
  expect_sums_agree(seen);
}

TEST_F(phases, a_generator_that_did_not_run_spoils_the_phase_it_happened_in) {
  several.phases = {phase("long", 1000, 20s), phase("short", 1000, 500ms)};
  stage.freeze_loop(20s + 100ms, 20s + 200ms);
  const workload_result seen = stage.run(several);
  EXPECT_TRUE(seen.phases[0].valid);
  EXPECT_FALSE(seen.phases[1].valid);
  EXPECT_FALSE(seen.valid);
  ASSERT_EQ(seen.reasons.size(), 1U) << "in the whole run it is below 1 %";
  EXPECT_TRUE(seen.reasons[0].starts_with("phase short: generator late: p99 ")) << seen.reasons[0];
}

TEST_F(phases, the_mix_follows_the_weights_in_each_phase) {
  several.routes = {route("GET", "/a", 5), route("GET", "/b", 3), route("GET", "/c", 1.5), route("GET", "/d", 0.5)};
  several.phases = {phase("one", 2000, 5s), phase("two", 4000, 5s)};
  several.arrivals = model::arrival_law::poisson;
  std::map<std::string, std::uint64_t> received;
  stage.server.decide_on = [&](std::string_view request) {
    received[std::string(request.substr(4, 2))]++;
    return reply{};
  };
  const workload_result seen = stage.run(several);
  for (const model::phase_measurement& each : seen.phases) {
    double chi_square = 0;
    for (std::size_t r = 0; r < 4; ++r) {
      const double expected = static_cast<double>(each.all.offered) * several.routes[r].weight / 10;
      const double off = static_cast<double>(each.routes[r].offered) - expected;
      chi_square += off * off / expected;
    }
    EXPECT_LT(chi_square, 11.34) << "the 1 % point of 3 degrees of freedom";
  }
  EXPECT_EQ(received["/a"], seen.phases[0].routes[0].offered + seen.phases[1].routes[0].offered);
  EXPECT_EQ(received["/d"], seen.phases[0].routes[3].offered + seen.phases[1].routes[3].offered);
  expect_sums_agree(seen);
}

TEST_F(phases, a_run_repeats_exactly_with_its_seed) {
  several.routes = {route("GET", "/a/{n}"), order()};
  several.routes[0].values["n"] = integers(kind::zipf, 1, 1000);
  several.arrivals = model::arrival_law::poisson;
  const auto requests_of = [&](std::uint64_t seed) {
    std::vector<std::string> requests;
    world again(latency);
    again.server.decide_on = [&](std::string_view request) {
      requests.emplace_back(request);
      return reply{.bytes = answer_of(201)};
    };
    workload_options seeded = several;
    seeded.seed = seed;
    std::ignore = again.run(seeded);
    return requests;
  };
  const std::vector<std::string> first = requests_of(7);
  EXPECT_GT(first.size(), 900U);
  EXPECT_EQ(first, requests_of(7));
  EXPECT_NE(first, requests_of(8));
}

TEST_F(phases, a_status_is_an_error_when_the_route_does_not_expect_it) {
  several.routes = {route("GET", "/a")};
  several.routes[0].expected = {200, 404};
  several.phases = {phase("one", 100, 1s)};
  stage.server.decide = [](std::size_t, std::size_t request) {
    return reply{.bytes = answer_of(std::array{200, 404, 202, 409, 503}[request % 5])};
  };
  several.connections = 1;
  const workload_result seen = stage.run(several);
  const model::route_measurement& all = seen.phases[0].all;
  EXPECT_EQ(all.errors, (counts{{"status_4xx", 20}, {"status_5xx", 20}, {"status_unexpected", 20}}));
  EXPECT_EQ(all.statuses, (std::map<int, std::uint64_t>{{200, 20}, {202, 20}, {404, 20}, {409, 20}, {503, 20}}));
  EXPECT_EQ(all.answered, 100U);
  EXPECT_EQ(all.answered_well, 40U);
  EXPECT_EQ(seen.seconds[0].errors, 60U);
}

TEST(fault_injection_in_phases, accounts_hold_under_any_faults) {
  for (std::uint64_t seed = 1; seed <= seeds_to_try(40); ++seed) {
    SCOPED_TRACE(seed);
    world stage(sim_options{.seed = seed, .latency = 200us, .window_bytes = 64});
    workload_options several;
    several.routes = {route("GET", "/a", 3), route("GET", "/b"), order()};
    several.phases = {phase("one", 500, 1100ms), phase("two", 3000, 300ms), phase("three", 200, 1s)};
    several.connections = 1 + static_cast<unsigned>(seed % 5);
    several.timeout = 50ms;
    several.seed = seed;
    stage.server.decide = [seed](std::size_t connection, std::size_t request) {
      const std::size_t draw = (seed * 31 + connection * 7 + request * 13) % 50;
      return reply{.after = draw == 0 ? duration(70ms) : draw * 20us,
                   .next = draw == 1 ? reply::then::closes : reply::then::stays};
    };
    stage.at(1ms, [&stage] {
      stage.set_faults({.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.05, .deferred = 0.5, .reset = 0.01});
    });
    if (seed % 13 == 0) stage.at(1200ms, [&stage] { stage.kill_server(); });
    expect_sums_agree(stage.run(several));
  }
}

}  // namespace
}  // namespace assay::load
