#include "lab/inside/even_series.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace assay::inside {
namespace {

TEST(even_series, keeps_all_up_to_its_limit) {
  even_series<int> looks(8);
  for (int i = 0; i < 8; ++i) looks.add(i);
  EXPECT_EQ(looks.take(), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(even_series, beyond_it_the_present_is_still_the_last_and_the_rest_evenly_spaced) {
  for (const std::size_t most : {2UL, 7UL, 8UL}) {
    even_series<int> looks(most);
    for (int i = 0; i < 1000; ++i) {
      looks.add(i);
      const auto& seen = looks.looks();
      ASSERT_LE(seen.size(), most);
      ASSERT_EQ(seen.front(), 0);
      ASSERT_EQ(seen.back(), i) << "of " << most;
      ASSERT_TRUE(i < 1 || seen.size() >= 2) << "with one alone there is no interval";
      for (std::size_t k = 2; k + 1 < seen.size(); ++k) ASSERT_EQ(seen[k] - seen[k - 1], seen[1]) << "at " << i;
    }
  }
}

TEST(even_series, no_less_than_half_of_the_limit_is_kept) {
  even_series<int> looks(100);
  for (int i = 0; i < 100'000; ++i) {
    looks.add(i);
    ASSERT_GE(looks.looks().size(), std::min<std::size_t>(static_cast<std::size_t>(i) + 1, 50));
  }
}

}  // namespace
}  // namespace assay::inside
