#include "lab/inside/stall_cause.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace assay::inside {
namespace {

constexpr std::uint64_t ms = 1'000'000;

TEST(stall_cause, is_told_by_what_the_thread_used) {
  EXPECT_EQ(cause_by_use({.cpu_ns = 97 * ms, .slept = 3}, 100 * ms), "computing: 97 % of it on a CPU");
  EXPECT_EQ(cause_by_use({.cpu_ns = 30 * ms, .preempted = 8}, 100 * ms),
            "waiting for a CPU: ready all the time, on one for 30 % of it, and put off 8 times");
  EXPECT_EQ(cause_by_use({.cpu_ns = 5 * ms, .slept = 12, .major_faults = 12}, 100 * ms),
            "page faults: memory was read from disk 12 times, 5 % of it on a CPU");
  EXPECT_EQ(cause_by_use({.cpu_ns = 1 * ms, .slept = 1}, 100 * ms),
            "asleep, in a lock or a call that is not seen: 1 % of it on a CPU");
  EXPECT_EQ(cause_by_use({.cpu_ns = 0, .slept = 1}, 0),
            "asleep, in a lock or a call that is not seen: 0 % of it on a CPU");
}

TEST(stall_cause, without_a_cpu_is_who_never_let_go_of_it) {
  EXPECT_TRUE(lacked_cpu({.cpu_ns = 30 * ms, .preempted = 8}, 100 * ms));
  EXPECT_FALSE(lacked_cpu({.cpu_ns = 80 * ms, .preempted = 8}, 100 * ms));
  EXPECT_FALSE(lacked_cpu({.cpu_ns = 30 * ms, .slept = 1, .preempted = 8}, 100 * ms));
  EXPECT_FALSE(lacked_cpu({.cpu_ns = 30 * ms}, 100 * ms)) << "nobody has put it off";
  EXPECT_FALSE(lacked_cpu({.cpu_ns = 30 * ms, .preempted = 8, .major_faults = 1}, 100 * ms));
}

TEST(stall_cause, lack_of_a_cpu_is_summed_where_no_call_explains_it) {
  const segment_use starved{.cpu_ns = 10 * ms, .preempted = 3};
  const segment_use computed{.cpu_ns = 100 * ms, .preempted = 3};
  const std::vector<loop_stall> stalls{{{7, 7, 1}, {100 * ms, 200 * ms, true, starved}},
                                       {{7, 7, 1}, {300 * ms, 360 * ms, true, starved}},
                                       {{7, 7, 1}, {400 * ms, 500 * ms, true, computed}},
                                       {{7, 7, 1}, {600 * ms, 700 * ms, true, {}}}};
  blocking_sites calls(std::map<std::uint16_t, std::string>{});
  const auto lack = lack_of_cpu(stalls, calls);
  ASSERT_TRUE(lack);
  EXPECT_EQ(lack->call, "waiting for a CPU");
  EXPECT_EQ(lack->count, 2U);
  EXPECT_DOUBLE_EQ(lack->total_ms, 160);
  EXPECT_DOUBLE_EQ(lack->longest_ms, 100);
  blocking_event read;
  read.tid = 7;
  read.call = "read";
  read.start_ns = 101 * ms;
  read.length_ns = 90 * ms;
  calls.add(7, read);
  EXPECT_EQ(lack_of_cpu(stalls, calls)->count, 1U);
  EXPECT_FALSE(lack_of_cpu({}, calls));
}

blocking_event call_of(std::uint32_t tid, const std::string& name, std::uint64_t at_ms, std::uint64_t length_ms) {
  blocking_event event;
  event.tid = tid;
  event.call = name;
  event.start_ns = at_ms * ms;
  event.length_ns = length_ms * ms;
  return event;
}

TEST(stalls_by_loop, divides_each_loops_time_by_what_filled_it) {
  const segment_use computed{.cpu_ns = 100 * ms, .preempted = 3};
  const segment_use starved{.cpu_ns = 10 * ms, .preempted = 3};
  const segment_use asleep{.cpu_ns = 5 * ms, .slept = 2};
  const segment_use mixed{.cpu_ns = 30 * ms, .slept = 1};
  const std::vector<loop_stall> stalls{
      {{7, 7, 1}, {100 * ms, 200 * ms, true, computed}}, {{7, 7, 1}, {300 * ms, 360 * ms, true, starved}},
      {{7, 8, 1}, {100 * ms, 200 * ms, true, asleep}},   {{7, 8, 1}, {300 * ms, 400 * ms, true, mixed}},
      {{7, 8, 1}, {500 * ms, 600 * ms, true, asleep}},   {{9, 9, 1}, {100 * ms, 180 * ms, true, {}}}};
  blocking_sites calls(std::map<std::uint16_t, std::string>{});
  calls.add(7, call_of(8, "recv", 520, 80));
  calls.add(7, call_of(8, "recv", 310, 40));
  calls.add(7, call_of(8, "read", 355, 30));
  calls.add(9, call_of(9, "computing", 110, 60));
  const auto loops = stalls_by_loop(stalls, calls, 0, 1000 * ms);
  ASSERT_EQ(loops.size(), 3U);
  EXPECT_DOUBLE_EQ(loops[0].computed_s, 0.1);
  EXPECT_DOUBLE_EQ(loops[0].starved_s, 0.06);
  EXPECT_DOUBLE_EQ(loops[0].called_s, 0) << "the calls are another loop's";
  EXPECT_DOUBLE_EQ(loops[0].longest_ms, 100);
  EXPECT_NEAR(loops[1].called_s, 0.15, 1e-9) << "two calls fill one stall together";
  EXPECT_NEAR(loops[1].computed_s, 0.005 + 0.03 + 0.005, 1e-9);
  EXPECT_NEAR(loops[1].waited_s, 0.095 + 0.015, 1e-9);
  EXPECT_NEAR(loops[1].all_s(), 0.3, 1e-9);
  EXPECT_NEAR(loops[2].computed_s, 0.06, 1e-9) << "as the runtime's shim found it";
  EXPECT_NEAR(loops[2].unknown_s, 0.02, 1e-9);
}

TEST(stalls_by_loop, counts_the_part_in_the_window) {
  const std::vector<loop_stall> stalls{{{7, 7, 1}, {100 * ms, 300 * ms, true, segment_use{.cpu_ns = 200 * ms}}},
                                       {{7, 7, 1}, {500 * ms, 600 * ms, true, segment_use{.cpu_ns = 100 * ms}}}};
  const auto loops = stalls_by_loop(stalls, blocking_sites({}), 250 * ms, 500 * ms);
  ASSERT_EQ(loops.size(), 1U);
  EXPECT_NEAR(loops[0].computed_s, 0.05, 1e-9);
  EXPECT_TRUE(stalls_by_loop({}, blocking_sites({}), 0, 1).empty());
}

// Their calls were seen, and are no longer kept one by one.
TEST(stalls_by_loop, waits_of_calls_that_are_only_summed_are_not_without_a_name) {
  std::vector<loop_stall> stalls;
  blocking_sites calls(std::map<std::uint16_t, std::string>{});
  for (std::uint64_t i = 0; i <= blocking_sites::most_calls; ++i) {
    calls.add(7, call_of(7, "recv", 200 * i, 60));
    stalls.push_back({{7, 7, 1}, {200 * i * ms, (200 * i + 60) * ms, true, segment_use{.slept = 1}}});
  }
  const auto loops = stalls_by_loop(stalls, calls, 0, UINT64_MAX);
  ASSERT_EQ(loops.size(), 1U);
  EXPECT_NEAR(loops[0].called_s, 0.06 * static_cast<double>(stalls.size()), 1e-3);
  EXPECT_NEAR(loops[0].waited_s, 0, 1e-3);
  // Another worker made none of these calls: what it waited for is still unknown.
  stalls.push_back({{8, 8, 1}, {0, 70 * ms, true, segment_use{.slept = 1}}});
  const auto both = stalls_by_loop(stalls, calls, 0, UINT64_MAX);
  ASSERT_EQ(both.size(), 2U);
  EXPECT_NEAR(both[1].waited_s, 0.07, 1e-3);
  EXPECT_EQ(both[1].called_s, 0);
}

}  // namespace
}  // namespace assay::inside
