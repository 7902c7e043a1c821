#include "lab/campaign/probe_cost.hpp"

#include <gtest/gtest.h>

namespace assay::campaign {
namespace {

std::string pairs(int count, const std::string& line = "500.0 550.0 400.0 410.0\n") {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(probe_cost, is_the_mean_of_the_differences_with_its_interval) {
  std::string text;
  for (int i = 0; i < 20; ++i) text += i % 2 == 0 ? "500.0 900.0 300.0 350.0\n" : "600.0 1200.0 300.0 450.0\n";
  const auto cost = cost_of_pairs(text);
  ASSERT_TRUE(cost) << cost.error();
  EXPECT_DOUBLE_EQ(cost->wait.more_ns.value, 500);
  EXPECT_EQ(cost->wait.more_ns.n, 20U);
  // Student's t, 19 degrees: 2.093 times the deviation of 102.6 over the root of 20.
  EXPECT_NEAR(cost->wait.more_ns.low, 452, 0.5);
  EXPECT_NEAR(cost->wait.more_ns.high, 548, 0.5);
  EXPECT_DOUBLE_EQ(cost->wait.off_ns, 550);
  EXPECT_DOUBLE_EQ(cost->call.more_ns.value, 100);
  EXPECT_NEAR(cost->call.more_ns.high, 124, 0.5);
  EXPECT_DOUBLE_EQ(cost->call.off_ns, 300);
  EXPECT_EQ(describe(*cost),
            "0.50 us [0.45, 0.55] of CPU time more a wait of an event loop, which takes 0.55 us without, and 0.10 us "
            "[0.08, 0.12] more a call on a socket, which takes 0.30 us: 20 pairs of off and on inside one process");
}

TEST(probe_cost, is_a_share_of_what_was_waited_for_and_called) {
  const probe_cost cost{.wait = {.more_ns = {.value = 500, .low = 470, .high = 530, .n = 100}, .off_ns = 1},
                        .call = {.more_ns = {.value = 100, .low = 90, .high = 110, .n = 100}, .off_ns = 1}};
  // 10,000 waits of 0.5 us and 40,000 calls of 0.1 us in 2 s; 0.3 and 0.4 ms either way are 0.5 together.
  const inside::loop_work work{.turns = 10'000, .calls = 40'000};
  const auto share = cpu_share(cost, work, 2);
  EXPECT_NEAR(share.value, 0.0045, 1e-9);
  EXPECT_NEAR(share.low, 0.00425, 1e-9);
  EXPECT_NEAR(share.high, 0.00475, 1e-9);
  EXPECT_EQ(share.n, 100U);
  EXPECT_EQ(describe(cost, work, 2),
            "at least 0.45 % [0.43, 0.48] of its CPU time, for 10000 waits of its loops and 40000 calls");
  EXPECT_EQ(describe(cost, {}, 2), "no loop of it waits through libc: a test for each call");
}

TEST(probe_cost, may_be_less_than_nothing_when_it_is_noise) {
  const auto cost = cost_of_pairs(pairs(6, "500.0 490.0 1.0 1.0\n") + pairs(6, "500.0 508.0 1.0 1.0\n"));
  ASSERT_TRUE(cost);
  EXPECT_LT(cost->wait.more_ns.low, 0);
  EXPECT_GT(cost->wait.more_ns.high, 0);
}

TEST(probe_cost, takes_nothing_else_for_times) {
  for (const std::string last :
       {"500.0\n", "500.0 550.0\n", "500.0 x 1.0 1.0\n", "nan 500.0 1.0 1.0\n", "500.0 1.0 inf 1.0\n",
        "500.0 1.0 1.0 -1\n", "500.0 550.0 1.0 1.0", "500.0  550.0 1.0 1.0\n", "500.0 550.0 1.0 1.0 1.0\n",
        "the preload library's file: No such file\n"}) {
    EXPECT_FALSE(cost_of_pairs(pairs(least_cost_pairs) + last)) << last;
  }
  EXPECT_FALSE(cost_of_pairs(pairs(least_cost_pairs - 1)));
  EXPECT_EQ(cost_of_pairs("").error(), "0 pairs were measured, 10 are needed");
  EXPECT_EQ(cost_of_pairs("a").error(), "pair 1 is not four times");
  EXPECT_EQ(cost_of_pairs("1.0 1.0 1.0\n").error(), "pair 1 is not four times");
}

}  // namespace
}  // namespace assay::campaign
