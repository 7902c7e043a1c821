#include "lab/load/verdict.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::load {
namespace {

using model::load_model;
using model::load_result;

load_result healthy(load_model model = load_model::open) {
  load_result result;
  result.model = model;
  result.latency.response_time.record(1'000'000);
  result.generator = {.cpu_share = 0.5, .own_lag_p99_ns = 100'000, .own_lag_max_ns = 9'000'000'000};
  return result;
}

// The one reason, or what was found instead.
std::string reason(load_result result) {
  judge_validity(result);
  EXPECT_EQ(result.valid, result.reasons.empty());
  return result.reasons.size() == 1 ? result.reasons[0] : std::to_string(result.reasons.size()) + " reasons";
}

TEST(verdict, a_healthy_run_is_valid_in_either_model) {
  EXPECT_EQ(reason(healthy()), "0 reasons");
  EXPECT_EQ(reason(healthy(load_model::closed)), "0 reasons");
}

TEST(verdict, values_at_the_bounds_are_valid) {
  const verdict_bounds bounds;
  load_result result = healthy();
  result.generator.own_lag_p99_ns = bounds.own_lag_p99_ns;
  result.generator.cpu_share = bounds.cpu_share;
  result.generator.cpu_wait_share = bounds.open_cpu_wait_share;
  result.generator.little_residual = bounds.little_residual;
  EXPECT_EQ(reason(result), "0 reasons");
}

TEST(verdict, a_slow_or_failing_candidate_is_a_result) {
  load_result result = healthy();
  result.offered_rps = 1000;
  result.achieved_rps = 3;
  result.errors = {{"timed_out", 100}, {"status_5xx", 200}, {"unsent", 300}};
  result.latency.response_time.record(10'000'000'000, 1000);
  result.latency.send_lag.record(9'000'000'000, 1000);
  EXPECT_EQ(reason(result), "0 reasons");
}

TEST(verdict, a_stage_that_was_driven_late_is_not_hidden_by_the_others) {
  load_result result = healthy();
  result.stages = {{.shape = "100/s", .offered = 99'000, .own_lag_p99_ns = 40'000},
                   {.shape = "10000/s", .offered = 1000, .own_lag_p99_ns = 7'000'000}};
  EXPECT_EQ(
      reason(result),
      "generator late in stage 2 (10000/s): p99 7.00 ms after the intended instant with idle connections (at most "
      "1.00 ms)");
  result.stages[1].offered = 999;
  EXPECT_EQ(reason(result), "0 reasons") << "ten late sends of a few are chance";
  result.stages = {{.shape = "100/s", .offered = 99'000, .own_lag_p99_ns = 7'000'000}};
  EXPECT_EQ(reason(result), "0 reasons") << "of one stage the run itself tells it";
}

TEST(verdict, stalls_of_its_own_count_up_to_the_p99) {
  load_result result = healthy(load_model::closed);
  result.stalls = {.count = 3, .longest_ns = 203'000'000, .touched = {{1, 210e6, 7e6}}};
  EXPECT_EQ(reason(result), "0 reasons") << "the longest time nearly always is one's";
  result.stalls.touched = {{0.999, 200e6, 5e6}, {1, 210e6, 7e6}};
  EXPECT_EQ(reason(result), "0 reasons");
  result.stalls.touched = {{0.9, 1.9e6, 1e6}, {0.99, 2.1e6, 1.2e6}, {1, 210e6, 7e6}};
  EXPECT_EQ(reason(result), "0 reasons") << "less than sends may be late";
  result.stalls.touched = {{0.99, 180e6, 3.5e6}, {0.999, 200e6, 5e6}, {1, 210e6, 7e6}};
  EXPECT_EQ(reason(result),
            "generator stalled 3 time(s), for up to 203 ms: p99, p99.9 and max can be its own (p99 180.00 ms, and "
            "without that at least 3.50 ms): leave it a CPU of its own, or make the run longer");
}

TEST(verdict, a_closed_run_lacks_the_throughput_of_the_time_it_stood_still) {
  load_result result = healthy(load_model::closed);
  result.stalls = {.count = 1, .longest_ns = 200'000'000, .share = 0.05};
  EXPECT_EQ(reason(result), "0 reasons");
  result.stalls.share = 0.1;
  EXPECT_EQ(reason(result),
            "generator stalled 1 time(s), 10 % of the time: the throughput lacks as much by its own fault (at most 5 "
            "%): leave it a CPU of its own, or make the run longer");
  result.model = load_model::open;
  EXPECT_EQ(reason(result), "0 reasons") << "what was due is sent afterwards, and is judged as late";
}

TEST(verdict, nothing_measured) {
  load_result result = healthy();
  result.latency.response_time.reset();
  EXPECT_EQ(reason(result), "no request was answered: there is nothing to measure");
}

TEST(verdict, a_generator_that_ran_into_a_limit_of_its_own) {
  load_result result = healthy(load_model::closed);
  result.generator.own_limits = 1;
  EXPECT_TRUE(reason(result).starts_with("generator out of descriptors"));
}

TEST(verdict, a_late_generator) {
  load_result result = healthy();
  result.generator.own_lag_p99_ns = 3'200'000;
  EXPECT_EQ(reason(result),
            "generator late: p99 3.20 ms after the intended instant with idle connections (at most 1.00 ms)");
  result.model = load_model::closed;
  EXPECT_EQ(reason(result), "0 reasons") << "without a schedule nothing is late";
}

TEST(verdict, no_cpu_left) {
  load_result result = healthy();
  result.generator.cpu_share = 0.99;
  EXPECT_EQ(reason(result),
            "generator out of CPU: a thread was busy 99 % of the time (at most 95 %): use more threads (-t) or a lower "
            "rate");
}

TEST(verdict, waiting_for_a_cpu) {
  load_result result = healthy(load_model::closed);
  result.generator.cpu_wait_share = 0.25;
  EXPECT_EQ(reason(result),
            "generator waited for a CPU 25 % of the time (at most 10 %): pin it away from the candidate");
  result.model = load_model::open;
  EXPECT_EQ(reason(result), "0 reasons") << "sends that are late for it are judged for themselves";
}

// Every connection has an answer that nobody read: none is idle, so no send is late by the generator's own fault.
TEST(verdict, starved_of_cpu_in_the_open_model) {
  load_result result = healthy();
  result.generator.cpu_wait_share = 0.48;
  EXPECT_EQ(reason(result),
            "generator waited for a CPU 48 % of the time (at most 25 %): pin it away from the candidate");
}

TEST(verdict, accounts_that_disagree) {
  load_result result = healthy();
  result.generator.little_residual = 0.02;
  EXPECT_EQ(reason(result), "generator's accounts disagree by 2.0 % (Little's law): please report this");
}

// A departure that any large sample shows is no reason; one of practical size is, and where it is told by enough.
TEST(verdict, arrivals_of_another_law_than_intended) {
  load_result result = healthy();
  result.arrivals = model::arrival_law::poisson;
  result.arrivals_seen = model::arrival_fit{
      .gaps = 8192, .distance = 0.2, .distance_by_chance = 0.015, .tolerance_ns = 500'000, .gaps_off = 0.25};
  EXPECT_EQ(reason(result), "0 reasons");
  result.arrivals_seen->gaps_off = 0.31;
  EXPECT_EQ(reason(result),
            "arrivals were not poisson as intended: 31 % of the gaps between sends are off by more than 0.50 ms and a "
            "quarter of the mean (at most 25 %)");
  result.arrivals_seen->gaps = 99;
  EXPECT_EQ(reason(result), "0 reasons") << "too few to tell";
}

TEST(verdict, arrivals_in_ticks_of_another_law_than_intended) {
  load_result result = healthy();
  result.arrivals_seen = model::arrival_fit{.spans = 4000, .span_ns = 5e6, .spans_off = 0.25};
  EXPECT_EQ(reason(result), "0 reasons");
  result.arrivals_seen->spans_off = 0.4;
  EXPECT_EQ(reason(result),
            "arrivals were not constant as intended: 40 % of the spans of 5 ms, whole ticks, have another number of "
            "sends (at most 25 %)");
  result.arrivals_seen->spans = 99;
  EXPECT_EQ(reason(result), "0 reasons") << "too few to tell";
}

TEST(verdict, less_offered_than_asked_for) {
  load_result result = healthy();
  result.arrivals_seen = model::arrival_fit{.offered_share = 0.99};
  EXPECT_EQ(reason(result), "0 reasons");
  result.arrivals_seen->offered_share = 0.875;
  EXPECT_EQ(reason(result),
            "generator offered 87.5 % of the load before its end, the rest too late (at least 99 %): use more threads "
            "(-t) or a lower rate");
}

TEST(verdict, gives_every_reason_and_forgets_former_ones) {
  load_result result = healthy();
  result.reasons = {"from before"};
  result.generator.cpu_share = 0.99;
  result.generator.own_lag_p99_ns = 3'200'000;
  judge_validity(result);
  EXPECT_EQ(result.reasons.size(), 2U);
  EXPECT_FALSE(result.valid);
  judge_validity(result, {.own_lag_p99_ns = 10'000'000, .cpu_share = 1});
  EXPECT_TRUE(result.valid);
}

}  // namespace
}  // namespace assay::load
