// Whether the soak would find what grows, and what stays.
#include "tests/soak/levels.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::soak {
namespace {

TEST(soak_levels, a_rise_is_a_trend_and_no_step_and_no_noise) {
  const std::vector<double> creeps = {10, 12, 11, 14, 15, 14, 17, 18, 19, 21};
  ASSERT_TRUE(rise_of(creeps));
  EXPECT_NEAR(*rise_of(creeps), 11, 1);
  EXPECT_FALSE(rise_of({10, 18, 12, 15, 11, 17, 14, 13})) << "as high at one time as at another";
  EXPECT_FALSE(rise_of({18, 17, 16, 15, 14, 13, 12, 11}));
  EXPECT_FALSE(rise_of({10, 10, 10, 10, 10, 10, 10, 10}));
  EXPECT_FALSE(rise_of({10, 20, 30})) << "three values can do that by chance";
  EXPECT_FALSE(rise_of({}));
}

TEST(soak_levels, what_fills_at_first_and_then_stays_is_no_growth) {
  std::vector<level> levels(min_rounds, level{.heap_bytes = 8e6, .descriptors = 20});
  for (std::size_t i = 0; i < min_rounds / 3; ++i) levels[i].heap_bytes = 1e6 * static_cast<double>(i);
  EXPECT_THAT(what_grows(levels), ::testing::IsEmpty());
  for (std::size_t i = 0; i < min_rounds; ++i) levels[i].descriptors += static_cast<double>(i);
  EXPECT_THAT(what_grows(levels), ::testing::ElementsAre("descriptors rise by 7 in 8 rounds, from 24 to 31"));
}

TEST(soak_levels, what_stays_of_a_load_is_found_without_a_trend) {
  const level before{.heap_bytes = 8e6, .resident_bytes = 50e6, .descriptors = 20, .timers = 2, .frames = 7};
  EXPECT_THAT(what_stays(before, before), ::testing::IsEmpty());
  level after = before;
  after.heap_bytes += 1e5;
  EXPECT_THAT(what_stays(before, after), ::testing::IsEmpty()) << "connections of the pools";
  after.heap_bytes += 4e6;
  EXPECT_THAT(what_stays(before, after),
              ::testing::ElementsAre("bytes of the heap in use: 12100000 after 8000000 before"));
  after = before;
  after.resident_bytes += 1e9;
  after.descriptors++;
  after.timers++;
  after.frames++;
  EXPECT_THAT(
      what_stays(before, after),
      ::testing::ElementsAre("resident bytes: 1050000000 after 50000000 before", "descriptors: 21 after 20 before",
                             "timers: 3 after 2 before", "coroutine frames: 8 after 7 before"));
  EXPECT_THAT(what_stays(after, before), ::testing::IsEmpty());
}

}  // namespace
}  // namespace assay::soak
