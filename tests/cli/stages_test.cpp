#include "cli/stages.hpp"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

using namespace std::chrono_literals;

TEST(stages, are_a_length_and_a_rate) {
  const auto constant = parse_stage("30s@100");
  ASSERT_TRUE(constant) << constant.error();
  EXPECT_EQ(constant->length, 30s);
  EXPECT_EQ(constant->rate_per_s, 100);
  EXPECT_FALSE(constant->end_rate_per_s);
  EXPECT_EQ(constant->swing_per_s, 0);
  EXPECT_EQ(load::shape_text(*constant), "100/s");
}

TEST(stages, grow_or_swing) {
  const auto ramp = parse_stage("1.5m@0.5..500");
  ASSERT_TRUE(ramp) << ramp.error();
  EXPECT_EQ(ramp->length, 90s);
  EXPECT_EQ(ramp->rate_per_s, 0.5);
  EXPECT_EQ(ramp->end_rate_per_s, 500);
  EXPECT_EQ(load::shape_text(*ramp), "0.5..500/s");

  const auto sine = parse_stage("2m@300~200/20s");
  ASSERT_TRUE(sine) << sine.error();
  EXPECT_EQ(sine->rate_per_s, 300);
  EXPECT_EQ(sine->swing_per_s, 200);
  EXPECT_EQ(sine->period, 20s);
  EXPECT_EQ(load::shape_text(*sine), "300~200/20s");
}

TEST(stages, may_be_a_burst) {
  const auto burst = parse_stage("30s@100*10");
  ASSERT_TRUE(burst) << burst.error();
  EXPECT_EQ(burst->length, 30s);
  EXPECT_EQ(burst->rate_per_s, 1000);
  EXPECT_EQ(burst->burst_of_per_s, 100);
  EXPECT_EQ(load::shape_text(*burst), "100*10/s");
}

TEST(stages, that_are_none_say_what_was_expected) {
  for (const char* text :
       {"", "@", "30s", "30s@", "@100", "30s@x", "30s@100..", "30s@..100", "30s@100~50", "30s@100~50/", "30s@100~/5s",
        "30s@~50/5s", "30s@100/5s", "30s@100*", "30s@*10", "30s@100*x", "30s@100 ", "x@100", "30s@+5"}) {
    const auto read = parse_stage(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().starts_with("--stage \"" + std::string(text) + "\": expected LENGTH@RATE, ")) << text;
  }
}

}  // namespace
}  // namespace assay::cli
