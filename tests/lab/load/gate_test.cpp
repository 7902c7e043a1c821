#include "lab/load/gate.hpp"

#include <gtest/gtest.h>

#include "lab/load/connection_bound.hpp"

namespace assay::load {
namespace {

// 1,000 answers of 1 to 1,000 ms in 10 s, and 10 requests that failed otherwise.
model::load_result sample() {
  model::load_result result;
  result.model = model::load_model::open;
  result.offered_requests = 1010;
  result.requests = 1000;
  result.achieved_rps = 100;
  result.errors = {{"timed_out", 10}, {"status_5xx", 20}};
  for (std::uint64_t ms = 1; ms <= 1000; ++ms) result.latency.response_time.record(ms * 1'000'000);
  return result;
}

bool met(const char* text, model::load_result result = sample()) {
  const auto gates = parse_gates(text);
  EXPECT_TRUE(gates) << gates.error();
  return judge_gates(*gates, result);
}

TEST(gates, hold_or_do_not) {
  EXPECT_TRUE(met("p50<510ms"));
  EXPECT_FALSE(met("p50<490ms"));
  EXPECT_TRUE(met("p99<1s"));
  EXPECT_FALSE(met("p99<980ms"));
  EXPECT_TRUE(met("max<1.01s"));
  EXPECT_FALSE(met("max<1s"));
  EXPECT_TRUE(met("mean<501ms"));
  EXPECT_FALSE(met("mean<500ms"));
  EXPECT_TRUE(met("errors<3%"));
  EXPECT_FALSE(met("errors<2.9%"));
  EXPECT_TRUE(met("errors<0.03"));
  EXPECT_TRUE(met("rate>99"));
  EXPECT_FALSE(met("rate>100"));
  EXPECT_FALSE(met("p99.9<9s")) << "1,000 answers do not tell it";
}

TEST(gates, are_all_to_be_met) {
  EXPECT_TRUE(met("p50<510ms, errors < 3%,rate>99"));
  EXPECT_FALSE(met("p50<510ms,errors<1%"));
}

model::load_result of_windows(std::optional<double> value, std::uint64_t failed) {
  model::load_result result = sample();
  result.windows.push_back({.gate = "p99<20ms every 10s",
                            .windows = 60,
                            .failed = failed,
                            .value = value,
                            .start_s = 10,
                            .length_s = 10,
                            .answers = 1000});
  return result;
}

TEST(gates, of_windows_name_the_worst) {
  const auto told = [](model::load_result result, bool met) {
    EXPECT_EQ(judge_gates(*parse_gates("p99<20ms every 10s"), result), met);
    return result.gates[0].measured;
  };
  EXPECT_EQ(told(of_windows(10e6, 0), true), "10ms in 10s to 20s");
  EXPECT_EQ(told(of_windows(30e6, 1), false), "30ms in 10s to 20s");
  EXPECT_EQ(told(of_windows(30e6, 3), false), "30ms in 10s to 20s, not kept in 3 of 60 windows");
  EXPECT_EQ(told(of_windows(std::nullopt, 1), false), "not estimable from 1000 answers in 10s to 20s");
  EXPECT_EQ(told(sample(), false), "the run had no whole window");
}

TEST(gates, of_windows_are_of_one_length_that_fits_the_run) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  options.length = std::chrono::seconds(60);
  const load_plan plan = *normalize(options);
  const auto refused = [&plan](const char* text) {
    const auto had = check_gates(*parse_gates(text), plan);
    return had ? std::string() : had.error();
  };
  EXPECT_EQ(refused("p99<1s every 10s,errors<1% every 10s,max<9s"), "");
  EXPECT_TRUE(refused("p99<1s every 10s,errors<1% every 20s").contains("the same length after every \"every\""));
  EXPECT_TRUE(refused("p99<1s every 2m").contains("expected windows of 100 ms to the 60 s of this run"));
  EXPECT_TRUE(refused("p99<1s every 50ms").contains("expected windows of 100 ms to the 60 s"));
  EXPECT_EQ(refused("p99<1s every 100ms"), "");
  EXPECT_EQ(refused("p99[GET /a]<1s every 10s"),
            "\"p99[GET /a]<1s every 10s\": no windows of \"GET /a\": expected the name of one of several requests");
  EXPECT_EQ(gate_window(*parse_gates("max<9s,p99<1s every 10s")), std::chrono::seconds(10));
  EXPECT_EQ(gate_window(*parse_gates("max<9s")), duration::zero());
  EXPECT_EQ(windowed_gates(*parse_gates("max<9s,p99[GET /a]<1s every 10s")).at(0).part, "GET /a");
  for (const char* wrong : {"back<10s every 10s", "p99<1s every", "p99<1s every 0s", "p99<1s every x", "every 10s"}) {
    EXPECT_FALSE(parse_gates(wrong)) << wrong;
  }
}

// What was warm by then: half of the answers, of 1 to 500 ms.
model::load_result with_warm_up() {
  model::load_result result = sample();
  model::steadiness& steady = result.steady.emplace(model::steadiness{.from_s = 5});
  steady.since = observe::histogram::with_defaults();
  for (std::uint64_t ms = 1; ms <= 500; ++ms) steady.since->record(ms * 1'000'000);
  steady.intervals.quantiles = {{.quantile = 0.5, .within = {.low_ns = 240e6, .high_ns = 260e6}}};
  return result;
}

TEST(gates, of_the_steady_state_leave_the_warm_up_out) {
  model::load_result result = with_warm_up();
  EXPECT_TRUE(
      judge_gates(*parse_gates("p50[steady]<300ms,mean[steady]<300ms,max[steady]<1s,p50[steady]<255ms"), result));
  EXPECT_EQ(result.gates[0].proven, std::optional(true));
  EXPECT_EQ(result.gates[3].proven, std::optional(false)) << "the limit lies inside";
  EXPECT_FALSE(met("p50<300ms", result)) << "of all";
  result.steady->since.reset();
  EXPECT_FALSE(met("p50[steady]<300ms", result)) << "steady from the start";
  result.steady->drift = 1.52;
  EXPECT_FALSE(judge_gates(*parse_gates("p50[steady]<9s"), result));
  EXPECT_EQ(result.gates.back().measured, "not steady: 1.5 times in this run");
  result.steady.reset();
  EXPECT_FALSE(judge_gates(*parse_gates("p50[steady]<9s"), result));
  EXPECT_EQ(result.gates.back().measured, "too few answers to tell whether it was steady");
}

TEST(gates, of_the_steady_state_are_of_times_under_one_even_rate) {
  load_options options;
  options.url = "http://127.0.0.1:8080/";
  const auto refused = [&options](const char* text) {
    const auto had = check_gates(*parse_gates(text), *normalize(options));
    return had ? std::string() : had.error();
  };
  EXPECT_EQ(refused("p99[steady]<1s,max[steady]<1s,mean[steady]<1s"), "");
  for (const char* wrong : {"errors[steady]<1%", "rate[steady]>5", "p99[steady]<1s every 1s"}) {
    EXPECT_TRUE(refused(wrong).contains("expected p99[steady]<50ms, mean or max")) << wrong;
  }
  options.stages = {{.rate_per_s = 5, .length = std::chrono::seconds(9), .end_rate_per_s = 9}};
  EXPECT_TRUE(refused("p99[steady]<1s").contains("stages differ on purpose"));
  options.stages.clear();
  options.rate_per_s = 5;
  options.routes = {{.name = "steady", .method = "GET", .target = "/a"},
                    {.name = "GET /b", .method = "GET", .target = "/b"}};
  EXPECT_EQ(refused("errors[steady]<1%"), "") << "of the request that is called so";
}

TEST(gates, say_what_was_measured) {
  model::load_result result = sample();
  EXPECT_FALSE(judge_gates(*parse_gates("p50<100ms,p99.9<9s,errors<50%"), result));
  ASSERT_EQ(result.gates.size(), 3U);
  EXPECT_EQ(result.gates[0].gate, "p50<100ms");
  EXPECT_FALSE(result.gates[0].met);
  EXPECT_TRUE(result.gates[0].measured.starts_with("500")) << result.gates[0].measured;
  EXPECT_EQ(result.gates[1].measured, "not estimable from 1000 answers");
  EXPECT_EQ(result.gates[2].measured, "2.97%");
  EXPECT_TRUE(result.gates[2].met);
}

model::quantile_interval around(double quantile, double low_ms, double high_ms) {
  return {.quantile = quantile, .within = {.low_ns = low_ms * 1e6, .high_ns = high_ms * 1e6}};
}

TEST(gates, know_the_interval_and_whether_it_proves_them) {
  model::load_result result = sample();
  result.intervals = {.mean = model::time_interval{.low_ns = 480e6, .high_ns = 520e6},
                      .quantiles = {around(0.5, 470, 530), around(0.975, 960, 985)}};
  judge_gates(*parse_gates("p50<531ms,p50<510ms,p50<490ms,p50<470ms,p97.5<1s,mean<510ms,p90<1s,max<2s,errors<9%"),
              result);
  const auto proven = [&](std::size_t i) { return result.gates[i].proven; };
  EXPECT_EQ(proven(0), std::optional(true)) << "the whole interval is below the limit";
  EXPECT_EQ(proven(1), std::optional(false));
  EXPECT_TRUE(result.gates[1].met) << "the estimate decides";
  EXPECT_EQ(proven(2), std::optional(false));
  EXPECT_FALSE(result.gates[2].met);
  EXPECT_EQ(proven(3), std::optional(true)) << "it surely fails: the limit is not below it";
  EXPECT_EQ(proven(4), std::optional(true)) << "whichever percentile";
  EXPECT_EQ(proven(5), std::optional(false));
  ASSERT_TRUE(result.gates[5].within);
  EXPECT_EQ(result.gates[5].within->high_ns, 520e6) << "the mean's";
  for (const std::size_t none : {6U, 7U, 8U}) {
    EXPECT_FALSE(result.gates[none].within) << result.gates[none].gate;
    EXPECT_FALSE(proven(none)) << result.gates[none].gate;
    EXPECT_TRUE(result.gates[none].met) << result.gates[none].gate;
  }
}

TEST(gates, that_cannot_be_told_have_no_interval_either) {
  model::load_result result = sample();
  result.intervals.quantiles = {around(0.999, 1, 2)};
  EXPECT_FALSE(judge_gates(*parse_gates("p99.9<9s"), result));
  EXPECT_FALSE(result.gates[0].within);
  EXPECT_EQ(result.gates[0].measured, "not estimable from 1000 answers");
}

TEST(gates, of_a_part_know_the_interval_of_that_part) {
  model::load_result result = sample();
  result.duration = std::chrono::seconds(10);
  result.intervals.quantiles = {around(0.9, 1, 2)};
  result.routes = {{.name = "GET /a"}, {.name = "GET /b"}};
  result.stages = {{.length_s = 10}};
  for (model::latency_histograms* each :
       {&result.routes[0].latency, &result.routes[1].latency, &result.stages[0].latency}) {
    each->response_time.record(5'000'000, 200);
  }
  result.routes[0].intervals.emplace().quantiles = {around(0.9, 4, 7)};
  result.stages[0].intervals.emplace().quantiles = {around(0.9, 4, 5.5)};
  judge_gates(*parse_gates("p90[GET /a]<6ms,p90[GET /b]<6ms,p90[stage 1]<6ms"), result);
  EXPECT_EQ(result.gates[0].proven, std::optional(false));
  EXPECT_FALSE(result.gates[1].within) << "it has none";
  EXPECT_EQ(result.gates[2].proven, std::optional(true));
}

TEST(gates, ask_for_the_intervals_of_their_percentiles) {
  EXPECT_EQ(gate_quantiles(*parse_gates("p97.5<1s,max<9s,p50[GET /a]<1s")), (std::vector<double>{0.975, 0.5}));
}

TEST(gates, of_bursts_hold_when_all_of_them_are_over_in_time) {
  const auto judged = [](std::vector<model::load_stage> stages) {
    model::load_result result;
    result.stages = std::move(stages);
    judge_gates(parse_gates("back<10s").value(), result);
    return std::pair{result.gates[0].met, result.gates[0].measured};
  };
  const auto burst = [](std::optional<double> back_until_s) {
    return model::load_stage{.burst = model::burst_return{.back_until_s = back_until_s}};
  };
  EXPECT_EQ(judged({{}, burst(4), {}, burst(9.5)}), (std::pair{true, std::string("9.5s")}));
  EXPECT_EQ(judged({burst(4), burst(12)}), (std::pair{false, std::string("12s")}));
  EXPECT_EQ(judged({burst(4), burst(std::nullopt)}), (std::pair{false, std::string("not seen to be back")}));
  EXPECT_EQ(judged({{}}), (std::pair{false, std::string("no stage was a burst")}));
}

TEST(gates, are_of_one_request_or_stage_too) {
  model::load_result result = sample();
  result.duration = std::chrono::seconds(10);
  result.routes = {{.name = "GET /a", .offered = 200, .answered = 200, .errors = {{"reset", 2}}},
                   {.name = "GET /items/{id}", .offered = 800, .answered = 800}};
  for (int i = 0; i < 200; ++i) result.routes[0].latency.response_time.record(5'000'000);
  result.stages = {{.length_s = 4}, {.length_s = 6, .offered = 600, .answered = 300}};
  result.stages[1].latency.response_time.record(9'000'000, 300);
  for (const char* holds : {"p90[GET /a]<6ms", "errors[GET /a]<1.1%", "rate[GET /a]>19", "max[stage 2]<10ms",
                            "rate[ stage 2 ]>49", "mean [GET /a]<6ms, p50<510ms"}) {
    EXPECT_TRUE(met(holds, result)) << holds;
  }
  for (const char* misses : {"p90[GET /a]<4ms", "errors[GET /a]<0.9%", "rate[GET /a]>21", "p99[GET /a]<1s",
                             "max[stage 1]<1s", "max[stage 3]<1s", "p50[GET /b]<1s", "p90[GET /items/{id}]<1s"}) {
    EXPECT_FALSE(met(misses, result)) << misses;
  }
  judge_gates(*parse_gates("p99[GET /a]<1s,max[stage 3]<1s,errors[stage 1]<1%"), result);
  EXPECT_EQ(result.gates[0].gate, "p99[GET /a]<1s");
  EXPECT_EQ(result.gates[0].measured, "not estimable from 200 answers");
  EXPECT_EQ(result.gates[1].measured, "the run ended before it");
  EXPECT_EQ(result.gates[2].measured, "nothing was due");
}

TEST(gates, of_what_the_run_will_not_have_are_told_before_it) {
  load_options options;
  options.url = "http://127.0.0.1:8080";
  options.routes = {{.name = "GET /a", .method = "GET", .target = "/a"},
                    {.name = "GET /b", .method = "GET", .target = "/b"}};
  options.stages = {{.rate_per_s = 1, .length = std::chrono::seconds(1)},
                    {.rate_per_s = 2, .length = std::chrono::seconds(1)}};
  const load_plan plan = *normalize(options);
  EXPECT_TRUE(check_gates(*parse_gates("p99[GET /a]<1s,max[stage 2]<1s,mean<1s"), plan));
  for (const char* missing :
       {"max[stage 3]<1s", "max[stage 0]<1s", "max[stage 1.5]<1s", "max[stage]<1s", "max[GET /]<1s"}) {
    const auto known = check_gates(*parse_gates(missing), plan);
    ASSERT_FALSE(known) << missing;
    EXPECT_TRUE(known.error().ends_with("or stage 1 to stage 2")) << known.error();
  }
  load_options single;
  single.url = "http://127.0.0.1:8080/a";
  EXPECT_FALSE(check_gates(*parse_gates("p99[GET /a]<1s"), *normalize(single))) << "the whole run is it";
}

TEST(gates, that_a_wait_for_connections_broke_are_told_by_the_share_that_the_text_tells_too) {
  model::load_result result = sample();
  result.latency.service_time.record(1'000'000, 1000);
  const auto gates = *parse_gates("p50<100ms");
  result.waited_for_connection = 10;  // of 1010
  EXPECT_FALSE(bound_by_connections(gates, result));
  EXPECT_FALSE(model::many_waited(result));
  result.waited_for_connection = 11;
  EXPECT_TRUE(bound_by_connections(gates, result));
  EXPECT_TRUE(model::many_waited(result));
  // Those of one of several requests, too.
  result.routes.push_back({.name = "GET /a", .offered = 1000, .answered = 1000});
  result.routes[0].latency.response_time.record(200'000'000, 1000);
  result.routes[0].latency.service_time.record(1'000'000, 1000);
  EXPECT_TRUE(bound_by_connections(*parse_gates("p50[GET /a]<100ms"), result));
  EXPECT_FALSE(bound_by_connections(*parse_gates("p50[GET /a]<100us"), result)) << "no number of them makes it faster";
  result.model = model::load_model::closed;
  EXPECT_FALSE(model::many_waited(result)) << "nothing is due there";
}

TEST(gates, that_stalls_of_the_generator_can_have_broken_are_not_held_against_the_service) {
  const auto reasons_of = [](const char* text) {
    model::load_result result = sample();
    result.valid = true;
    result.stalls.asked = {{97.5 / 100, 975e6, 400e6}, {99.0 / 100, 990e6, 500e6}, {1, 1000e6, 600e6}};
    judge_gates(*parse_gates(text), result);
    EXPECT_EQ(result.valid, result.reasons.empty());
    return result.reasons;
  };
  EXPECT_EQ(
      reasons_of("max<700ms"),
      std::vector<std::string>{"\"max<700ms\" is not told: 1000ms can be the generator's own stall, without which "
                               "it is 600ms or more"});
  EXPECT_EQ(reasons_of("p97.5<401ms,p99<501ms,max<601ms").size(), 3U);
  for (const char* told : {"max<600ms", "p99<1ms", "p99<1s", "p95<1ms", "errors<1%", "mean<1ms", "p99.9<1ms"}) {
    EXPECT_TRUE(reasons_of(told).empty()) << told;
  }
}

TEST(gates, of_the_closed_model_count_what_was_begun) {
  model::load_result result = sample();
  result.model = model::load_model::closed;
  result.offered_requests = 0;
  EXPECT_TRUE(met("errors<3%", result));
  result.requests = 0;
  result.errors = {};
  EXPECT_FALSE(met("errors<3%", result)) << "nothing was shown";
}

TEST(gates, that_are_none_are_quoted) {
  for (const char* text :
       {"",           "p99",       "p99<",      "p99<50",      "p99>50ms",   "<50ms",      "p0<1ms",     "p100<1ms",
        "p99<1ms,",   "p99[]<1ms", "p99[a<1ms", "p99[a]b<1ms", "back[a]<1s", "[a]<1ms",    "errors<1ms", "errors<200%",
        "errors<-1%", "rate<5",    "rate>x",    "q99<1ms",     "p<1ms",      "errors<nan", "p99<<1ms"}) {
    const auto read = parse_gates(text);
    ASSERT_FALSE(read) << text;
    EXPECT_NE(read.error().find("expected a gate such as p99<50ms"), std::string::npos);
  }
}

}  // namespace
}  // namespace assay::load
