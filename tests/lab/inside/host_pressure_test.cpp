#include "lab/inside/host_pressure.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace assay::inside {
namespace {

constexpr std::uint64_t s = 1'000'000'000;

TEST(host, ticks_are_those_of_all_cpus) {
  host_look seen;
  ASSERT_TRUE(parse_cpu_ticks("cpu  10 1 20 300 4 0 5 60 7 8\ncpu0 1 1 1 1 1 1 1 1 1 1\n", seen));
  EXPECT_EQ(seen.cpu_ticks, 400U) << "guests are counted within user";
  EXPECT_EQ(seen.steal_ticks, 60U);
  for (const auto* text : {"", "cpu", "cpu  1 2 3\n", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3 x 5 6 7 8\n"}) {
    EXPECT_FALSE(parse_cpu_ticks(text, seen)) << text;
  }
}

TEST(host, the_quota_of_a_control_group_is_read_in_either_version) {
  host_look two;
  parse_cpu_group("usage_usec 5\nnr_throttled 3\nthrottled_usec 2500\n", two);
  EXPECT_EQ(two.throttled_us, 2500U);
  EXPECT_EQ(two.throttled_times, 3U);
  host_look one;
  parse_cpu_group("nr_periods 9\nnr_throttled 3\nthrottled_time 2500000\nbroken x\n", one);
  EXPECT_EQ(one.throttled_us, 2500U);
}

TEST(host, that_leaves_the_service_alone_is_not_worth_a_word) {
  const host_look before{.at_ns = s, .cpu_ticks = 1000, .steal_ticks = 5, .cpu_pressure_us = 0, .throttled_us = 7};
  host_look after = before;
  EXPECT_TRUE(what_the_host_did(before, after).empty());
  after.at_ns = 11 * s;
  after.cpu_ticks = 3000;
  after.steal_ticks = 24;
  after.cpu_pressure_us = 4'900'000;
  EXPECT_TRUE(what_the_host_did(before, after).empty());
}

TEST(host, that_takes_cpu_away_is_told) {
  const host_look before{.at_ns = s,
                         .cpu_ticks = 1000,
                         .steal_ticks = 5,
                         .cpu_pressure_us = 0,
                         .memory_pressure_us = 0,
                         .io_pressure_us = 0,
                         .throttled_us = 0,
                         .throttled_times = 0};
  const host_look after{.at_ns = 11 * s,
                        .cpu_ticks = 3000,
                        .steal_ticks = 205,
                        .cpu_pressure_us = 6'000'000,
                        .memory_pressure_us = 500'000,
                        .io_pressure_us = 3'000'000,
                        .throttled_us = 2'500'000,
                        .throttled_times = 30};
  const auto said = what_the_host_did(before, after);
  ASSERT_EQ(said.size(), 5U);
  EXPECT_EQ(said[0], "the host gave 10 % of its CPU time to other guests (steal)");
  EXPECT_EQ(said[1], "the host stopped its control group for 2.50 s in all, 30 times: its CPU quota");
  EXPECT_EQ(said[2], "the host was short of CPU: some of its tasks waited for it 60 % of the time");
  EXPECT_EQ(said[3], "the host was short of memory: some of its tasks waited for it 5 % of the time");
  EXPECT_EQ(said[4], "the host was short of I/O: some of its tasks waited for it 30 % of the time");
}

TEST(host, is_looked_at_without_privilege) {
  const auto seen = look_at_host(static_cast<std::uint32_t>(::getpid()), s);
  EXPECT_GT(seen.cpu_ticks, 0U);
  EXPECT_EQ(seen.at_ns, s);
}

}  // namespace
}  // namespace assay::inside
