#include "lab/campaign/probe_cost.hpp"

#include <gtest/gtest.h>

namespace assay::campaign {
namespace {

std::string pairs(int count, const std::string& line = "5000.0 5500.0\n") {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(probe_cost, is_the_mean_of_the_differences_with_its_interval) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += i % 2 == 0 ? "5000.0 5400.0\n" : "6000.0 6600.0\n";
  const auto cost = cost_of_pairs(text);
  ASSERT_TRUE(cost) << cost.error();
  EXPECT_DOUBLE_EQ(cost->more_ns.value, 500);
  EXPECT_EQ(cost->more_ns.n, 20U);
  // Student's t, 19 degrees: 2.093 times the deviation of 102.6 over the root of 20.
  EXPECT_NEAR(cost->more_ns.low, 452, 0.5);
  EXPECT_NEAR(cost->more_ns.high, 548, 0.5);
  EXPECT_DOUBLE_EQ(cost->off_ns, 5500);
  EXPECT_TRUE(describe(*cost).starts_with("0.50 us [0.45, 0.55] of CPU time more a turn")) << describe(*cost);
  // 10,000 turns of 0.5 us in 2 s.
  EXPECT_EQ(describe(*cost, 10'000, 2), "0.25 % [0.23, 0.27] of its CPU time, for 10000 turns of its loops");
  EXPECT_EQ(describe(*cost, 0, 2), "no loop of it waits through libc: a test for each call");
}

TEST(probe_cost, may_be_less_than_nothing_when_it_is_noise) {
  const auto cost = cost_of_pairs(pairs(6, "5000.0 4900.0\n") + pairs(6, "5000.0 5080.0\n"));
  ASSERT_TRUE(cost);
  EXPECT_LT(cost->more_ns.low, 0);
  EXPECT_GT(cost->more_ns.high, 0);
}

TEST(probe_cost, takes_nothing_else_for_times) {
  for (const std::string last : {"5000.0\n", "5000.0 x\n", "nan 5000.0\n", "5000.0 inf\n", "5000.0 -1\n",
                                 "5000.0 5500.0", "5000.0  5500.0\n", "the preload library's file: No such file\n"}) {
    EXPECT_FALSE(cost_of_pairs(pairs(least_cost_pairs) + last)) << last;
  }
  EXPECT_FALSE(cost_of_pairs(pairs(least_cost_pairs - 1)));
  EXPECT_EQ(cost_of_pairs("").error(), "0 pairs were measured, 10 are needed");
  EXPECT_EQ(cost_of_pairs("a").error(), "pair 1 is not two times");
}

}  // namespace
}  // namespace assay::campaign
