#include "lab/judge/unexplained.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "lab/judge/diagnose.hpp"

namespace assay::judge {
namespace {

using model::cause;

// Half a minute of a service with several loops, of which the first is the busiest.
class workers {
 public:
  std::vector<model::loop_stalls> stalls;
  std::vector<model::blocking_site> blocking;
  double cpu_s = 9;
  double length_s = 30;

  model::diagnosis diagnosed() const {
    const std::array<model::process_second, 2> looks{{{.at_s = 0, .cpu_s = 0, .anonymous_bytes = 1 << 20},
                                                      {.at_s = length_s, .cpu_s = cpu_s, .anonymous_bytes = 1 << 20}}};
    model::loop_lag lag;
    lag.quality = model::lag_quality::traced;
    lag.utilisation = 0.4;
    lag.max_ms = 90;
    lag.stalled_s = {{50, stalls.empty() ? 0 : stalls.front().all_s()}};
    return diagnose(
        symptoms{.length_s = length_s, .processes = looks, .lag = lag, .stalls = stalls, .blocking = blocking});
  }
  void block(double seconds) {
    blocking.push_back({.call = "recv",
                        .peer = "127.0.0.1:1",
                        .place = "app.py:87 in price",
                        .count = 40,
                        .total_ms = 1e3 * seconds,
                        .longest_ms = 80});
  }
};

bool has(const model::diagnosis& made, cause kind) {
  return std::ranges::any_of(made.findings, [kind](const auto& each) { return each.kind == kind; });
}

TEST(unexplained, a_call_in_one_worker_does_not_hide_that_another_computes) {
  workers seen;
  seen.stalls = {{.computed_s = 3, .longest_ms = 90}, {.called_s = 3.2}};
  seen.block(3.2);
  const auto made = seen.diagnosed();
  EXPECT_EQ(made.verdict, cause::mixed) << made.text;
  EXPECT_TRUE(has(made, cause::blocking_call));
  ASSERT_TRUE(has(made, cause::cpu_bound));
  EXPECT_TRUE(made.findings.back().text.starts_with("the loop computed for 3.00 s of 30.0 s"))
      << made.findings.back().text;
}

TEST(unexplained, a_loop_that_is_not_the_busiest_is_judged_too) {
  workers seen;
  seen.stalls = {{}, {.computed_s = 2, .longest_ms = 140}};
  const auto made = seen.diagnosed();
  EXPECT_EQ(made.verdict, cause::cpu_bound) << made.text;
  EXPECT_NE(made.text.find("140 ms at the longest"), std::string::npos) << made.text;
  seen.stalls = {{.computed_s = 1, .longest_ms = 60}, {.computed_s = 2, .longest_ms = 140}};
  EXPECT_TRUE(seen.diagnosed().text.starts_with("several loops together computed for 3.00 s of 30.0 s"))
      << seen.diagnosed().text;
}

// The first request of each worker, its imports: together they are more than a loop may have.
TEST(unexplained, a_little_in_each_of_many_workers_is_no_cause) {
  workers seen;
  seen.stalls.assign(16, {.computed_s = 0.06, .longest_ms = 60});
  EXPECT_EQ(seen.diagnosed().verdict, cause::healthy) << seen.diagnosed().text;
  seen.stalls.push_back({.computed_s = 0.5, .longest_ms = 60});
  EXPECT_EQ(seen.diagnosed().verdict, cause::cpu_bound) << seen.diagnosed().text;
}

TEST(unexplained, what_runs_for_the_first_time_is_no_cause_of_a_short_watch) {
  workers seen;
  seen.length_s = 7.5;
  seen.stalls = {{.computed_s = 0.12, .longest_ms = 59}};
  EXPECT_EQ(seen.diagnosed().verdict, cause::healthy) << seen.diagnosed().text;
  seen.stalls = {{.computed_s = 0.25, .longest_ms = 59}};
  EXPECT_EQ(seen.diagnosed().verdict, cause::cpu_bound);
}

TEST(unexplained, what_calls_leave_of_a_loops_stalls_is_no_cause) {
  workers seen;
  seen.stalls = {{.called_s = 8, .computed_s = 1, .waited_s = 0.5}};
  seen.block(8);
  EXPECT_EQ(seen.diagnosed().verdict, cause::blocking_call) << seen.diagnosed().text;
  EXPECT_EQ(seen.diagnosed().findings.size(), 1U);
}

TEST(unexplained, the_host_is_no_computing) {
  workers seen;
  seen.stalls = {{.computed_s = 0.1, .starved_s = 4}};
  EXPECT_EQ(seen.diagnosed().verdict, cause::healthy) << seen.diagnosed().text;
}

TEST(unexplained, computing_of_another_worker_is_not_that_of_a_loop_that_waits) {
  workers seen;
  seen.cpu_s = 20;
  seen.stalls = {{.waited_s = 3, .longest_ms = 90}};
  auto made = seen.diagnosed();
  EXPECT_EQ(made.verdict, cause::blocking_call) << made.text;
  EXPECT_EQ(made.findings.at(0).call, "");
  seen.stalls = {{.unknown_s = 3, .longest_ms = 90}};
  EXPECT_EQ(seen.diagnosed().verdict, cause::cpu_bound) << "by the processes' sum, where nothing else is known";
  seen.cpu_s = 1;
  EXPECT_EQ(seen.diagnosed().verdict, cause::blocking_call);
}

TEST(unexplained, calls_are_compared_with_the_stalls_of_the_loops_that_they_held_up) {
  workers seen;
  seen.stalls = {{.computed_s = 20, .longest_ms = 90}, {.called_s = 2}};
  seen.block(2);
  EXPECT_TRUE(has(seen.diagnosed(), cause::blocking_call));
}

}  // namespace
}  // namespace assay::judge
