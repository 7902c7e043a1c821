// Stages as they are typed, alone and in repeated groups.
#include "lab/load/stage_text.hpp"

#include <gtest/gtest.h>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

std::expected<stage, std::string> parse_stage(std::string_view text) {
  auto read = parse_stages(text);
  if (!read) return std::unexpected(read.error());
  if (read->size() != 1) return std::unexpected("more than one");
  return read->front();
}

std::string refusal(std::string_view text) {
  const auto read = parse_stages(text);
  return read ? "it was read" : read.error();
}

TEST(stage_text, are_a_length_and_a_rate) {
  const auto constant = parse_stage("30s@100");
  ASSERT_TRUE(constant) << constant.error();
  EXPECT_EQ(constant->length, 30s);
  EXPECT_EQ(constant->rate_per_s, 100);
  EXPECT_FALSE(constant->end_rate_per_s);
  EXPECT_EQ(constant->swing_per_s, 0);
  EXPECT_EQ(shape_text(*constant), "100/s");
}

TEST(stage_text, grow_or_swing) {
  const auto ramp = parse_stage("1.5m@0.5..500");
  ASSERT_TRUE(ramp) << ramp.error();
  EXPECT_EQ(ramp->length, 90s);
  EXPECT_EQ(ramp->rate_per_s, 0.5);
  EXPECT_EQ(ramp->end_rate_per_s, 500);
  EXPECT_EQ(shape_text(*ramp), "0.5..500/s");

  const auto sine = parse_stage("2m@300~200/20s");
  ASSERT_TRUE(sine) << sine.error();
  EXPECT_EQ(sine->rate_per_s, 300);
  EXPECT_EQ(sine->swing_per_s, 200);
  EXPECT_EQ(sine->period, 20s);
  EXPECT_EQ(shape_text(*sine), "300~200/20s");
}

TEST(stage_text, may_be_a_burst) {
  const auto burst = parse_stage("30s@100*10");
  ASSERT_TRUE(burst) << burst.error();
  EXPECT_EQ(burst->length, 30s);
  EXPECT_EQ(burst->rate_per_s, 1000);
  EXPECT_EQ(burst->burst_of_per_s, 100);
  EXPECT_EQ(shape_text(*burst), "100*10/s");
}

TEST(stage_text, that_are_none_say_what_was_expected) {
  for (const char* text :
       {"", "@", "30s", "30s@", "@100", "30s@x", "30s@100..", "30s@..100", "30s@100~50", "30s@100~50/", "30s@100~/5s",
        "30s@~50/5s", "30s@100/5s", "30s@100*", "30s@*10", "30s@100*x", "30s@100 ", "x@100", "30s@+5"}) {
    const auto read = parse_stage(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().starts_with("\"" + std::string(text) + "\": expected LENGTH@RATE, ")) << text;
  }
}

TEST(stage_text, repeats_a_group_in_its_order) {
  const auto read = parse_stages("3x(30s@100*10, 1m@100)");
  ASSERT_TRUE(read) << read.error();
  ASSERT_EQ(read->size(), 6U);
  for (std::size_t i = 0; i < read->size(); ++i) {
    EXPECT_EQ((*read)[i].is_burst(), i % 2 == 0) << "each burst has a check of its own: " << i;
    EXPECT_EQ((*read)[i].rate_per_s, i % 2 == 0 ? 1000 : 100) << i;
  }
  const auto on_off = parse_stages("32x(20s@500,40s@0)");
  ASSERT_TRUE(on_off) << on_off.error();
  EXPECT_EQ(on_off->size(), 64U);
  EXPECT_EQ(on_off->back().rate_per_s, 0);
  EXPECT_EQ(parse_stages("1x(10s@5)")->size(), 1U);
}

TEST(stage_text, of_a_group_names_the_place_that_is_wrong) {
  EXPECT_TRUE(refusal("5x(30s@100*10, 1m)").starts_with("\"5x(30s@100*10, 1m)\": \"1m\" in it: expected LENGTH@RATE"));
  EXPECT_TRUE(refusal("5x(30s@100,)").contains("\"\" in it: expected LENGTH@RATE"));
  EXPECT_TRUE(refusal("2x(2x(1s@1), 1s@1)").contains("\"2x(1s@1)\" in it: expected LENGTH@RATE"))
      << "one level of them";
  for (const char* text : {"(1s@1)", "x(1s@1)", "0x(1s@1)", "1.5x(1s@1)", "-1x(1s@1)", "nanx(1s@1)", "3(1s@1)",
                           "3x(1s@1", "3x(1s@1) ", "3 x(1s@1)", "1e300x(1s@1)"}) {
    EXPECT_TRUE(refusal(text).contains("expected TIMESx(STAGE, STAGE, ...)")) << text << ": " << refusal(text);
  }
  EXPECT_EQ(refusal("22x(1s@1, 1s@2, 1s@3)"),
            "\"22x(1s@1, 1s@2, 1s@3)\": 22 times 3 stages, expected at most 64 stages in all");
}

}  // namespace
}  // namespace assay::load
