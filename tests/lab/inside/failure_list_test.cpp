#include "lab/inside/failure_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::inside {
namespace {

using ::testing::ElementsAre;

TEST(failure_list, counts_by_text_and_the_first_lines_of_the_stack) {
  failure_list seen;
  EXPECT_TRUE(seen.texts().empty());
  seen.add("unhandledRejection", {"Error: gone", "app.js:3", "app.js:9"});
  seen.add("unhandledRejection", {"Error: gone", "app.js:3", "app.js:12"});
  seen.add("uncaughtException", {});
  EXPECT_THAT(seen.texts(),
              ElementsAre("an error that nobody handled, 1 times: uncaughtException",
                          "an error that nobody handled, 2 times: unhandledRejection: Error: gone: app.js:3"));
}

TEST(failure_list, says_how_many_there_are_of_other_texts) {
  failure_list seen;
  for (std::size_t i = 0; i < failure_list::most_told + 5; ++i) seen.add("no order " + std::to_string(i), {});
  seen.add("no order 0", {});
  const auto texts = seen.texts();
  ASSERT_EQ(texts.size(), failure_list::most_told + 1);
  EXPECT_EQ(texts.front(), "an error that nobody handled, 2 times: no order 0");
  EXPECT_EQ(texts.back(), "errors that nobody handled, of other texts than these 20: 5 times");
}

}  // namespace
}  // namespace assay::inside
