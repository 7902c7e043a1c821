#include "lab/campaign/order.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace assay::campaign {
namespace {

const std::vector<std::string> four = {"flask", "fastapi", "blocking", "cpp"};

TEST(trial_order, every_repeat_holds_each_candidate_once) {
  const std::vector<trial_slot> slots = trial_order(four, 5, 42);
  ASSERT_EQ(slots.size(), 20U);
  for (unsigned repeat = 1; repeat <= 5; ++repeat) {
    std::set<std::string> seen;
    for (std::size_t i = (repeat - 1) * 4; i < repeat * 4; ++i) {
      EXPECT_EQ(slots[i].repeat, repeat);
      EXPECT_EQ(slots[i].order, i + 1);
      seen.insert(slots[i].candidate);
    }
    EXPECT_EQ(seen.size(), 4U);
  }
}

TEST(trial_order, is_a_function_of_the_seed) {
  const auto names = [](std::uint64_t seed) {
    std::vector<std::string> order;
    for (const trial_slot& each : trial_order(four, 3, seed)) order.push_back(each.candidate);
    return order;
  };
  EXPECT_EQ(names(1), names(1));
  EXPECT_NE(names(1), names(2));
}

TEST(trial_order, no_place_is_reserved) {
  // 2,000 blocks: each candidate first in a quarter of them (standard deviation 19).
  std::map<std::string, int> first;
  const std::vector<trial_slot> slots = trial_order(four, 2000, 7);
  for (std::size_t i = 0; i < slots.size(); i += 4) first[slots[i].candidate]++;
  for (const auto& [name, count] : first) EXPECT_NEAR(count, 500, 80) << name;
}

TEST(trial_order, without_candidates_or_repeats_is_empty) {
  EXPECT_TRUE(trial_order({}, 3, 1).empty());
  EXPECT_TRUE(trial_order(four, 0, 1).empty());
}

TEST(trial_seed, is_shared_by_the_candidates_of_a_repeat_alone) {
  EXPECT_EQ(trial_seed(9, 2), trial_seed(9, 2));
  EXPECT_NE(trial_seed(9, 1), trial_seed(9, 2));
  EXPECT_NE(trial_seed(8, 1), trial_seed(9, 1));
}

}  // namespace
}  // namespace assay::campaign
