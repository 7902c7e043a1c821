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

}  // namespace
}  // namespace assay::inside
