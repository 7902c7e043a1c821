#include "lab/load/stream_gates.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace assay::load {
namespace {

using model::stream_kind;
using namespace std::chrono_literals;

std::string refused(const char* text, stream_kind kind, std::size_t stages = 0) {
  stream_plan plan;
  plan.kind = kind;
  plan.options.stages.resize(stages);
  const auto sound = check_gates(*parse_gates(text), plan);
  return sound ? "" : sound.error();
}

model::stream_result echoes() {
  model::stream_result result;
  result.kind = stream_kind::echo;
  result.connections = 10;
  result.due = 1000;
  result.achieved_rate = 97;
  result.errors = {{"timed_out", 20}, {"closed", 10}};
  result.latency.response_time.record(1'000'000, 980);
  result.latency.response_time.record(80'000'000, 20);
  return result;
}

std::string measured(const char* text, model::stream_result result) {
  const bool met = judge_gates(*parse_gates(text), result);
  return (met ? "met " : "not met ") + result.gates.at(0).measured;
}

TEST(stream_gates, are_of_what_such_a_run_can_tell) {
  EXPECT_EQ(refused("p99<50ms,mean<1s,max<1s,errors<1%,rate>5", stream_kind::echo), "");
  EXPECT_EQ(refused("errors<1%", stream_kind::idle), "");
  EXPECT_TRUE(refused("p99[GET /a]<1s", stream_kind::broadcast).contains("not of WebSocket or events"));
  EXPECT_TRUE(refused("p99<1s", stream_kind::idle).contains("idle connections say nothing"));
}

TEST(stream_gates, have_windows_of_messages) {
  EXPECT_EQ(refused("p99<50ms every 5s,errors<1% every 5s,p99<1s", stream_kind::broadcast), "");
  EXPECT_EQ(refused("p99<50ms every 5s,max<1s every 2s", stream_kind::echo),
            "\"max<1s every 2s\": expected the same length after every \"every\"");
  EXPECT_EQ(refused("max<1s every 20s", stream_kind::echo),
            "\"max<1s every 20s\": expected windows of 100 ms to the 10 s of this run");
  EXPECT_EQ(refused("max<1s every 2s", stream_kind::events),
            "\"max<1s every 2s\": windows are of messages: expected ws:// and -R");
  EXPECT_NE(refused("errors<1% every 2s", stream_kind::idle), "");
  EXPECT_EQ(refused("max[stage 1]<1s every 2s", stream_kind::echo, 2),
            "\"max[stage 1]<1s every 2s\": no windows of \"stage 1\": expected them of the run");
}

TEST(stream_gates, the_worst_window_decides) {
  model::stream_result result = echoes();
  EXPECT_EQ(measured("p50<2ms every 1s", result), "not met the run had no whole window");
  result.windows = {{.gate = "p50<2ms every 1s",
                     .windows = 10,
                     .failed = 2,
                     .value = 3e6,
                     .start_s = 4,
                     .length_s = 1,
                     .answers = 100}};
  EXPECT_EQ(measured("p50<2ms every 1s", result), "not met 3ms in 4s to 5s, not kept in 2 of 10 windows");
  result.windows[0].value.reset();
  EXPECT_EQ(measured("p50<2ms every 1s", result),
            "not met not estimable from 100 messages in 4s to 5s, not kept in 2 of 10 windows");
}

TEST(stream_gates, know_the_interval_of_the_run_and_of_a_stage) {
  model::stream_result result = echoes();
  result.intervals.quantiles = {{.quantile = 0.5, .within = {.low_ns = 0.9e6, .high_ns = 1.1e6}}};
  result.stages.resize(2);
  result.stages[1].latency = result.latency;
  result.stages[1].intervals.emplace().quantiles = {{.quantile = 0.5, .within = {.low_ns = 0.9e6, .high_ns = 3e6}}};
  judge_gates(*parse_gates("p50<2ms,p50[stage 2]<2ms,p90<2ms"), result);
  ASSERT_TRUE(result.gates[0].within);
  EXPECT_EQ(result.gates[0].proven, std::optional(true));
  EXPECT_EQ(result.gates[1].proven, std::optional(false)) << "the limit lies inside";
  EXPECT_TRUE(result.gates[1].met);
  EXPECT_FALSE(result.gates[2].within) << "none was told";
}

TEST(stream_gates, are_of_the_steady_state) {
  EXPECT_EQ(refused("p99[steady]<1s,max[steady]<1s", stream_kind::echo), "");
  EXPECT_EQ(refused("p99[steady]<1s", stream_kind::events), "");
  EXPECT_NE(refused("errors[steady]<1%", stream_kind::echo), "");
  EXPECT_NE(refused("p99[steady]<1s every 1s", stream_kind::echo), "");
  EXPECT_NE(refused("p99[steady]<1s", stream_kind::echo, 2), "");
  model::stream_result result = echoes();
  EXPECT_EQ(measured("p50[steady]<9s", result), "not met too few answers to tell whether it was steady");
  result.steady.emplace();
  EXPECT_EQ(measured("p50[steady]<2ms", result), "met 1ms");
  result.steady->since = observe::histogram::with_defaults();
  result.steady->since->record(3'000'000, 100);
  EXPECT_EQ(measured("p50[steady]<2ms", result), "not met 3ms");
}

TEST(stream_gates, are_of_a_stage_that_there_will_be) {
  EXPECT_EQ(refused("p99[stage 2]<1s,errors[stage 1]<1%", stream_kind::echo, 2), "");
  EXPECT_EQ(refused("p99[stage 3]<1s", stream_kind::echo, 2),
            "\"p99[stage 3]<1s\": this run has no \"stage 3\": expected stage 1 to stage 2");
  EXPECT_NE(refused("p99[stage 1]<1s", stream_kind::echo, 1), "") << "one stage is the run";
  EXPECT_NE(refused("p99[stage 1]<1s", stream_kind::events), "");
}

TEST(stream_gates, are_of_the_way_back_from_a_burst) {
  stream_plan plan;
  plan.options.stages.resize(3);
  const auto gates = *parse_gates("back<5s");
  const auto without = check_gates(gates, plan);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error(), "\"back<5s\": expected a stage that is a burst, --stage 30s@100*10");
  plan.options.stages[1].burst_of_per_s = 10;
  EXPECT_TRUE(check_gates(gates, plan));
  model::stream_result result = echoes();
  result.stages.resize(3);
  EXPECT_EQ(measured("back<5s", result), "not met no stage was a burst");
  result.stages[1].burst = model::burst_return{};
  EXPECT_EQ(measured("back<5s", result), "not met not seen to be back");
  result.stages[1].burst->back_until_s = 4;
  EXPECT_EQ(measured("back<5s", result), "met 4s");
}

TEST(stream_gates, a_stage_is_judged_by_what_was_meant_for_it) {
  model::stream_result result = echoes();
  result.stages = {{.length_s = 4, .offered = 400, .answered = 400},
                   {.length_s = 2, .offered = 100, .answered = 90},
                   {.length_s = 9}};
  result.stages[0].latency.response_time.record(1'000'000, 400);
  result.stages[1].latency.response_time.record(50'000'000, 100);
  result.stages[1].errors = {{"closed", 10}};
  EXPECT_EQ(measured("p50[stage 1]<2ms", result), "met 1ms");
  EXPECT_EQ(measured("p50[stage 2]<2ms", result), "not met 50ms");
  EXPECT_EQ(measured("rate[stage 2]>44", result), "met 45.00/s");
  EXPECT_EQ(measured("errors[stage 2]<9%", result), "not met 10%");
  EXPECT_EQ(measured("p99.9[stage 2]<1s", result), "not met not estimable from 100 messages");
  EXPECT_EQ(measured("errors[stage 3]<9%", result), "not met nothing was due");
  EXPECT_EQ(measured("p50[stage 4]<1s", result), "not met the run ended before it");
  result.kind = stream_kind::broadcast;
  EXPECT_EQ(measured("errors[stage 2]<9%", result), "met 1%") << "of ten times as many deliveries";
}

TEST(stream_gates, messages_are_judged_by_response_time_and_by_what_was_due) {
  EXPECT_EQ(measured("p50<2ms", echoes()), "met 1ms");
  EXPECT_EQ(measured("max<50ms", echoes()), "not met 80ms");
  EXPECT_EQ(measured("errors<5%", echoes()), "met 3%");
  EXPECT_EQ(measured("rate>100", echoes()), "not met 97.00/s");
  EXPECT_EQ(measured("p99.99<1s", echoes()), "not met not estimable from 1000 messages");
  model::stream_result broadcast = echoes();
  broadcast.kind = stream_kind::broadcast;
  EXPECT_EQ(measured("errors<1%", broadcast), "met 0.3%") << "of ten times as many deliveries";
}

TEST(stream_gates, a_feed_that_falls_silent_is_in_its_maximum) {
  model::stream_result feed;
  feed.kind = stream_kind::events;
  feed.connections = 10;
  feed.events = 500;
  feed.duration = 5s;
  feed.gap.record(10'000'000, 490);
  feed.longest_silence_ns = 2'000'000'000;
  feed.lost_connections = {{"closed", 1}};
  EXPECT_EQ(measured("p90<20ms", feed), "met 10ms");
  EXPECT_EQ(measured("max<1s", feed), "not met 2000ms");
  EXPECT_EQ(measured("rate>50", feed), "met 100.00/s");
  EXPECT_EQ(measured("errors<5%", feed), "not met 10%");
}

TEST(stream_gates, one_that_the_generators_own_stalls_can_have_broken_is_not_told) {
  model::stream_result result = echoes();
  result.valid = true;
  result.stalls.asked = {{.quantile = 0.99, .measured_ns = 80e6, .least_ns = 60e6}};
  EXPECT_FALSE(judge_gates(*parse_gates("p99<50ms"), result));
  EXPECT_TRUE(result.valid) << "it would be broken without them";
  result.stalls.asked[0].least_ns = 1e6;
  EXPECT_FALSE(judge_gates(*parse_gates("p99<50ms"), result));
  EXPECT_FALSE(result.valid);
  EXPECT_EQ(result.reasons, std::vector<std::string>{"\"p99<50ms\" is not told: 80ms can be the generator's own stall, "
                                                     "without which it is 1ms or more"});
}

TEST(stream_gates, nothing_that_was_due_is_no_success) {
  model::stream_result none;
  none.kind = stream_kind::echo;
  none.connections = 1;
  EXPECT_EQ(measured("errors<1%", none), "not met nothing was due");
  EXPECT_EQ(measured("mean<1s", none), "not met not estimable from 0 messages");
}

}  // namespace
}  // namespace assay::load
