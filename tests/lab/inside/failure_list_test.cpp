#include "lab/inside/failure_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::inside {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;

TEST(failure_list, counts_by_text_and_the_first_lines_of_the_stack) {
  failure_list seen;
  EXPECT_TRUE(seen.failures().empty());
  seen.add("unhandledRejection", {"Error: gone", "app.js:3", "app.js:9"});
  seen.add("unhandledRejection", {"Error: gone", "app.js:3", "app.js:12"});
  seen.add("uncaughtException", {});
  EXPECT_THAT(seen.failures(),
              ElementsAre(FieldsAre("unhandledRejection: Error: gone: app.js:3", 2), FieldsAre("uncaughtException", 1)))
      << "the most frequent first";
}

TEST(failure_list, says_how_many_there_are_of_other_texts) {
  failure_list seen;
  for (std::size_t i = 0; i < failure_list::most_told + 5; ++i) seen.add("no order " + std::to_string(i), {});
  seen.add("no order 0", {});
  const auto told = seen.failures();
  ASSERT_EQ(told.size(), failure_list::most_told + 1);
  EXPECT_THAT(told.front(), FieldsAre("no order 0", 2));
  EXPECT_THAT(told.back(), FieldsAre("of other texts than these 20", 5));
}

}  // namespace
}  // namespace assay::inside
