#include "stack/runtime/precondition.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

void give(int places, int wanted) { ASSAY_PRECONDITION(wanted <= places, "no more are given than there are"); }

TEST(precondition, that_holds_says_nothing) {
  testing::internal::CaptureStderr();
  give(2, 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(precondition_death_test, that_is_broken_ends_the_program_with_its_place_a_sentence_and_the_condition) {
  EXPECT_DEATH(give(2, 3),
               "precondition_test.cpp:[0-9]+: assay: no more are given than there are "
               "\\(does not hold: wanted <= places\\)");
}

TEST(precondition, is_an_expression_of_one_evaluation) {
  int asked = 0;
  for (int i = 0; i < 3; ++i) ASSAY_PRECONDITION(++asked > i, "it is asked once each time");
  EXPECT_EQ(asked, 3);
}

}  // namespace
}  // namespace assay
