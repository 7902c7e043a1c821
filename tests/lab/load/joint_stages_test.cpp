// What a run does in which several schedules go on at once.
#include "lab/load/joint_stages.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "lab/load/stage_text.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

// A schedule from the texts of its stages.
std::vector<stage> schedule(std::initializer_list<const char*> texts) {
  std::vector<stage> made;
  for (const char* each : texts) {
    const std::vector<stage> read = parse_stages(each).value();
    made.insert(made.end(), read.begin(), read.end());
  }
  return made;
}

std::string shape_list(const std::vector<stage>& of) {
  std::string text;
  for (const stage& each : of) {
    text += std::to_string(std::chrono::duration_cast<std::chrono::seconds>(each.length).count()) + "s@" +
            shape_text(each) + " ";
  }
  return text;
}

double arrivals(const std::vector<stage>& of) {
  return std::accumulate(of.begin(), of.end(), 0.0,
                         [](double sum, const stage& each) { return sum + each.arrivals(); });
}

// The shapes of the joint stages, which have as many arrivals as the schedules together.
std::string joint(const std::vector<std::vector<stage>>& schedules) {
  const std::vector<stage> made = joint_stages(schedules);
  double expected = 0;
  for (const std::vector<stage>& each : schedules) expected += arrivals(each);
  EXPECT_NEAR(arrivals(made), expected, 1e-6 * expected);
  return shape_list(made);
}

TEST(joint_stages, end_wherever_one_does) {
  EXPECT_EQ(joint({schedule({"10s@5", "20s@10"}), schedule({"20s@100", "10s@0"})}), "10s@105/s 10s@110/s 10s@10/s ");
  EXPECT_EQ(joint({schedule({"30s@7"})}), "30s@7/s ");
}

TEST(joint_stages, grow_by_the_sum_of_what_they_grow) {
  EXPECT_EQ(joint({schedule({"20s@0..100"}), schedule({"10s@5", "10s@10"})}), "10s@5..55/s 10s@60..110/s ");
  EXPECT_EQ(joint({schedule({"10s@0..100"}), schedule({"10s@100..0"})}), "10s@100/s ")
      << "one grows as the other falls";
}

TEST(joint_stages, swing_where_a_sine_is_whole) {
  EXPECT_EQ(joint({schedule({"30s@100~50/20s"}), schedule({"30s@7"})}), "30s@107~50/20s ");
  EXPECT_EQ(joint({schedule({"20s@100~50/20s"}), schedule({"10s@0", "10s@7"})}).substr(0, 9), "10s@131.8")
      << "cut in two it counts with its mean";
}

TEST(joint_stages, are_a_burst_as_long_as_one_of_them_is) {
  EXPECT_EQ(joint({schedule({"10s@20", "5s@20*10", "15s@20"}), schedule({"30s@100"})}),
            "10s@120/s 5s@120*2.5/s 15s@120/s ");
  const auto made =
      joint_stages(std::vector{schedule({"10s@20", "10s@20*2", "10s@20"}), schedule({"15s@5", "15s@10"})});
  ASSERT_EQ(made.size(), 3U) << "what changes within does not cut it";
  EXPECT_TRUE(made[1].is_burst());
  EXPECT_EQ(made[1].length, 10s);
  EXPECT_DOUBLE_EQ(made[1].rate_per_s, 47.5);
  EXPECT_DOUBLE_EQ(*made[1].burst_of_per_s, 27.5);
}

}  // namespace
}  // namespace assay::load
