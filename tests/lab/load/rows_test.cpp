// What the rows of a run's stages and routes tell beside their percentiles: intervals of their own, and whether each
// was in a steady state; in virtual time.
#include <cmath>

#include "lab/load/record_memory.hpp"
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

// From 1 to 2 ms, evenly, in an order that looks like none.
duration varied(std::size_t request) {
  const double golden = std::fmod(static_cast<double>(request) * 0.6180339887498949, 1.0);
  return 1ms + duration(static_cast<duration::rep>(golden * 1e6));
}

model::bound_route get(const std::string& path, double weight) {
  return {.name = "GET " + path, .method = "GET", .target = path, .weight = weight};
}

const model::quantile_interval* interval_of(const std::optional<model::response_intervals>& of, double quantile) {
  if (!of) return nullptr;
  const auto known = std::ranges::find(of->quantiles, quantile, &model::quantile_interval::quantile);
  return known == of->quantiles.end() ? nullptr : &*known;
}

void expect_holds(const model::quantile_interval* of, duration truth) {
  ASSERT_NE(of, nullptr);
  EXPECT_LE(of->within.low_ns, static_cast<double>(truth.count()));
  EXPECT_GE(of->within.high_ns, static_cast<double>(truth.count()));
  EXPECT_LT(of->within.high_ns - of->within.low_ns, 0.2 * static_cast<double>(truth.count()));
}

TEST(rows, each_even_stage_has_intervals_of_its_own_and_a_ramp_has_none) {
  world stage(0us);
  stage.options.stages = {{.rate_per_s = 200, .length = 5s},
                          {.rate_per_s = 200, .length = 5s, .end_rate_per_s = 400},
                          {.rate_per_s = 400, .length = 5s}};
  bool is_slow = false;
  stage.at(10s - 1ms, [&] { is_slow = true; });
  stage.server.decide_on = [&](std::string_view) {
    return reply{.after = varied(stage.server.requests) * (is_slow ? 10 : 1)};
  };
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.stages.size(), 3U);
  expect_holds(interval_of(seen.judged.stages[0].intervals, 0.5), 1500us);
  EXPECT_FALSE(seen.judged.stages[1].intervals) << "it changes on purpose";
  expect_holds(interval_of(seen.judged.stages[2].intervals, 0.5), 15ms);
  ASSERT_NE(interval_of(seen.judged.stages[2].intervals, 0.99), nullptr);
  EXPECT_EQ(interval_of(seen.judged.stages[2].intervals, 0.999), nullptr) << "2000 requests do not tell it";
  EXPECT_TRUE(seen.judged.stages[0].steady);
  EXPECT_TRUE(seen.judged.intervals.quantiles.empty()) << "of the whole there is none";
  EXPECT_FALSE(seen.judged.intervals.mean);
}

TEST(rows, a_stage_that_is_cut_short_is_judged_by_what_there_was_of_it) {
  world stage(0us);
  stage.options.stages = {{.rate_per_s = 400, .length = 4s}, {.rate_per_s = 400, .length = 16s}};
  stage.server.decide_on = [&](std::string_view) { return reply{.after = varied(stage.server.requests)}; };
  stage.at(8s, [&] { stage.stop_load(); });
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.stages.size(), 2U);
  EXPECT_NE(interval_of(seen.judged.stages[0].intervals, 0.5), nullptr);
  ASSERT_TRUE(seen.judged.stages[1].intervals) << "even, but";
  EXPECT_TRUE(seen.judged.stages[1].intervals->quantiles.empty()) << "8 of its 32 parts are too few";
}

TEST(rows, each_route_has_intervals_of_its_own_and_the_run_has_those_of_all) {
  world stage(0us);
  stage.options.url = "http://127.0.0.1:" + std::to_string(port);
  stage.options.routes = {get("/fast", 10), get("/slow", 10), get("/rare", 0.05)};
  stage.options.rate_per_s = 400;
  stage.options.length = 10s;
  stage.server.decide_on = [&](std::string_view request) {
    return reply{.after = varied(stage.server.requests) * (request.starts_with("GET /slow") ? 10 : 1)};
  };
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.routes.size(), 3U);
  expect_holds(interval_of(seen.judged.routes[0].intervals, 0.5), 1500us);
  expect_holds(interval_of(seen.judged.routes[1].intervals, 0.5), 15ms);
  EXPECT_LE(interval_of(seen.judged.routes[1].intervals, 0.5)->effective_samples,
            static_cast<double>(seen.judged.routes[1].answered));
  ASSERT_TRUE(seen.judged.routes[2].intervals);
  EXPECT_TRUE(seen.judged.routes[2].intervals->quantiles.empty())
      << seen.judged.routes[2].answered << " answers tell nothing";
  expect_holds(interval_of(seen.judged.intervals, 0.9), 18ms);
  ASSERT_TRUE(seen.judged.intervals.mean);
}

TEST(rows, of_a_route_that_drifts_nothing_is_told_and_of_the_others_all_is) {
  world stage(0us);
  stage.options.url = "http://127.0.0.1:" + std::to_string(port);
  stage.options.routes = {get("/grows", 1), get("/stays", 9)};
  stage.options.rate_per_s = 1000;
  stage.options.length = 10s;
  stage.server.decide_on = [&](std::string_view request) {
    const double grown = request.starts_with("GET /grows") ? 1 + static_cast<double>(stage.server.requests) / 5000 : 1;
    return reply{.after = std::chrono::duration_cast<duration>(varied(stage.server.requests) * grown)};
  };
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.routes.size(), 2U);
  ASSERT_TRUE(seen.judged.routes[0].steady);
  EXPECT_TRUE(seen.judged.routes[0].steady->drift);
  ASSERT_TRUE(seen.judged.routes[0].intervals);
  EXPECT_TRUE(seen.judged.routes[0].intervals->quantiles.empty());
  ASSERT_TRUE(seen.judged.routes[1].steady);
  EXPECT_FALSE(seen.judged.routes[1].steady->drift);
  expect_holds(interval_of(seen.judged.routes[1].intervals, 0.5), 1500us);
}

TEST(rows, a_percentile_that_a_gate_asks_for_has_an_interval_too) {
  world stage(0us);
  stage.options.url = "http://127.0.0.1:" + std::to_string(port);
  stage.options.routes = {get("/a", 1), get("/b", 1)};
  stage.options.rate_per_s = 400;
  stage.options.length = 10s;
  stage.options.gated_quantiles = {0.75};
  stage.server.decide_on = [&](std::string_view) { return reply{.after = varied(stage.server.requests)}; };
  const outcome seen = stage.run();
  for (const model::load_route& each : seen.judged.routes) expect_holds(interval_of(each.intervals, 0.75), 1750us);
  expect_holds(interval_of(seen.judged.intervals, 0.75), 1750us);
  EXPECT_TRUE(std::ranges::is_sorted(seen.judged.intervals.quantiles, {}, &model::quantile_interval::quantile));
}

TEST(rows, of_routes_over_several_stages_have_none) {
  world stage(0us);
  stage.options.url = "http://127.0.0.1:" + std::to_string(port);
  stage.options.routes = {get("/a", 1), get("/b", 1)};
  stage.options.stages = {{.rate_per_s = 400, .length = 5s}, {.rate_per_s = 200, .length = 5s}};
  stage.server.decide_on = [&](std::string_view) { return reply{.after = varied(stage.server.requests)}; };
  const outcome seen = stage.run();
  ASSERT_EQ(seen.judged.routes.size(), 2U);
  EXPECT_FALSE(seen.judged.routes[0].intervals);
  ASSERT_EQ(seen.judged.stages.size(), 2U);
  expect_holds(interval_of(seen.judged.stages[1].intervals, 0.5), 1500us);
}

TEST(record_memory, is_what_the_histograms_of_a_thread_hold) {
  const recorder one;
  const std::uint64_t held = one.latency.response_time.memory_bytes() + one.latency.service_time.memory_bytes() +
                             one.latency.send_lag.memory_bytes() + one.latency.expected_response_time.memory_bytes() +
                             one.own_lag.memory_bytes();
  EXPECT_NEAR(static_cast<double>(record_bytes({.keep_parts = false})), static_cast<double>(held),
              static_cast<double>(sizeof(recorder)));
  const run_parts parts(1s);
  std::uint64_t in_parts = 0;
  for (const observe::histogram& each : parts.histograms()) in_parts += each.memory_bytes();
  const auto beside = [](record_shape of) {
    of.keep_parts = true;
    const std::uint64_t with = record_bytes(of);
    of.keep_parts = false;
    return with - record_bytes(of);
  };
  const std::uint64_t each = in_parts + sizeof(run_parts);
  EXPECT_EQ(beside({}), each);
  EXPECT_EQ(beside({.routes = 7, .threads = 2}), 14 * each) << "of each route";
  EXPECT_EQ(beside({.routes = 7, .stages = 3, .threads = 2}), 6 * each) << "of each stage, and not of both multiplied";
}

TEST(record_memory, has_a_limit_and_names_what_to_do) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  options.stages.assign(64, {.rate_per_s = 1, .length = 1s});
  options.threads = 16;
  options.connections = 256;
  EXPECT_TRUE(normalize(options)) << normalize(options).error();
  options.threads = 256;
  const auto refused = normalize(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(),
            "1 request(s) in 64 stage(s) on 256 thread(s) keep histograms of 38.8 GiB, expected at most 8: use fewer "
            "threads, requests or stages");
}

}  // namespace
}  // namespace assay::load
