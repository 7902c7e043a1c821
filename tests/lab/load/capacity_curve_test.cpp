#include "lab/load/capacity_curve.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using model::capacity_run;
using model::overload_outcome;

std::vector<gate> gates_of(const char* text) { return *parse_gates(text); }

TEST(capacity_curve, goes_from_half_to_twice_the_capacity) {
  EXPECT_EQ(curve_rates(1000, 2), (std::vector<double>{500, 2000}));
  EXPECT_EQ(curve_rates(1000, 4), (std::vector<double>{500, 1000, 1500, 2000}));
}

TEST(capacity_curve, an_answer_is_within_the_objectives_up_to_the_loosest_of_their_times) {
  EXPECT_EQ(time_objective_ns(gates_of("p50<10ms,p99<50ms,errors<1%"), 5s), 50e6);
  EXPECT_EQ(time_objective_ns(gates_of("mean<10ms,p90<40ms"), 5s), 40e6) << "a mean says nothing of one answer";
  EXPECT_EQ(time_objective_ns(gates_of("mean<10ms"), 5s), 10e6);
  EXPECT_EQ(time_objective_ns(gates_of("max<9s"), 5s), 5e9) << "no answer is waited for longer";
  EXPECT_EQ(time_objective_ns(gates_of("errors<1%"), 5s), 5e9);
}

TEST(capacity_curve, the_worst_valid_run_beyond_the_capacity_names_the_goodput) {
  const auto named = [](double in_slo_rps, double goodput_rps, bool valid = true) {
    const std::vector<capacity_run> curve = {
        {.rate_rps = 500, .valid = true, .goodput_rps = 500, .in_slo_rps = 500},
        {.rate_rps = 1050, .valid = true, .goodput_rps = 900, .in_slo_rps = 1},
        {.rate_rps = 1500, .valid = valid, .goodput_rps = goodput_rps, .in_slo_rps = in_slo_rps},
        {.rate_rps = 2000, .valid = valid, .goodput_rps = 1000, .in_slo_rps = 990}};
    return judge_overload(curve, 1000);
  };
  EXPECT_EQ(named(800, 990).outcome, overload_outcome::holds);
  EXPECT_EQ(named(700, 990).outcome, overload_outcome::falls);
  const model::overload late = named(30, 990);
  EXPECT_EQ(late.outcome, overload_outcome::collapses);
  EXPECT_EQ(late.rate_rps, 1500);
  EXPECT_DOUBLE_EQ(late.in_slo_share, 0.03);
  EXPECT_DOUBLE_EQ(late.answered_share, 0.99) << "it answers as much as before, too late";
  EXPECT_EQ(named(30, 990, false).outcome, overload_outcome::unknown) << "5 % more is within the interval";
}

TEST(capacity_curve, a_recovery_has_slices_that_tell_the_objectives_and_is_bounded) {
  const recovery_plan plan = plan_recovery(1000, 2, 10s, 552);
  ASSERT_EQ(plan.stages.size(), 25U);
  EXPECT_EQ(plan.stages[0].rate_per_s, 2000);
  EXPECT_EQ(plan.stages[0].length, 2500ms);
  EXPECT_EQ(plan.stages[1].rate_per_s, 800);
  EXPECT_EQ(plan.stages[1].length, 1250ms);
  EXPECT_EQ(plan.expected.watched_s, 30);
  EXPECT_DOUBLE_EQ(plan.expected.backlog_s, 12.5) << "2500 requests too many, and room for 200 a second";
  const recovery_plan slow = plan_recovery(10, 1.5, 60s, 552);
  ASSERT_EQ(slow.stages.size(), 5U) << "the overload and four slices at least";
  EXPECT_EQ(slow.stages[1].length, 69s);
}

// --- a server in virtual time that answers one after the other, 1000 a second ---

// As the engine makes them of a run's stages; here of one generator.
model::load_result run_of(const recovery_plan& plan, const std::function<void(world&)>& prepare) {
  world stage(50us);
  stage.options.stages = plan.stages;
  stage.options.connections = 8;
  stage.server.one_at_a_time = true;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 1ms}; };
  prepare(stage);
  return stage.run().judged;
}

TEST(capacity_curve, a_service_that_keeps_its_capacity_is_back_when_its_backlog_is_served) {
  const recovery_plan plan = plan_recovery(1000, 2, 4s, 400);
  const model::load_result seen = run_of(plan, [](world&) {});
  ASSERT_TRUE(seen.valid);
  const model::capacity_recovery found = judge_recovery(plan.expected, gates_of("p99<50ms,errors<1%,rate>900"), seen);
  ASSERT_TRUE(found.back_until_s) << found.why_not;
  // 1 s at 2000/s leaves 1000 waiting, which 1000 less 800 a second takes 5 s for, but for the last 50 ms of them.
  EXPECT_DOUBLE_EQ(found.backlog_s, 5);
  EXPECT_LE(*found.back_from_s, 5.0);
  EXPECT_GE(*found.back_until_s, 5.0);
  EXPECT_DOUBLE_EQ(*found.back_until_s - *found.back_from_s, 0.5);
}

TEST(capacity_curve, a_service_that_stays_slow_after_an_overload_is_not_back) {
  const recovery_plan plan = plan_recovery(1000, 2, 4s, 400);
  const model::load_result seen = run_of(plan, [](world& stage) {
    // From the overload on it needs more for each than the time there is.
    stage.server.decide = [served = 0](std::size_t, std::size_t) mutable {
      return reply{.after = ++served > 750 ? duration(1300us) : duration(1ms)};
    };
  });
  ASSERT_TRUE(seen.valid);
  const model::capacity_recovery found = judge_recovery(plan.expected, gates_of("p99<50ms"), seen);
  EXPECT_FALSE(found.back_from_s);
  EXPECT_EQ(found.why_not, "not back within 12 s of watching");
}

TEST(capacity_curve, a_recovery_is_not_told_of_what_does_not_show_it) {
  const recovery_plan plan = plan_recovery(1000, 2, 4s, 400);
  model::load_result seen;
  seen.reasons = {"generator late"};
  EXPECT_EQ(judge_recovery(plan.expected, gates_of("p99<50ms"), seen).why_not, "the run was INVALID: generator late");
  seen.valid = true;
  EXPECT_EQ(judge_recovery(plan.expected, gates_of("rate>10"), seen).why_not,
            "no objective of time or errors of all requests");
  seen.interrupted = true;
  EXPECT_EQ(judge_recovery(plan.expected, gates_of("p99<50ms"), seen).why_not, "the run was ended early");
}

}  // namespace
}  // namespace assay::load
