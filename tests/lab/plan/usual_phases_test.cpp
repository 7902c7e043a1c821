// The phases of a plan whose binding has none of its own, and what of the log they are like.
#include "lab/plan/usual_phases.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/forecast.hpp"
#include "lab/plan/read.hpp"
#include "tests/lab/plan/shop_binding.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(shop_binding, has_usual_phases_and_rates_of_its_own) {
  without_phases();
  binding_ = changed(binding_, "baseline_rate: 100\n", "");
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  std::vector<std::string> names;
  for (const model::phase& each : made->plan.phases) names.push_back(each.name);
  EXPECT_THAT(names,
              testing::ElementsAre("warm-up", "baseline", "peak", "soak", "ramp", "burst", "settle", "database-spike",
                                   "recovery", "database-outage", "database-back", "third-party-hanging",
                                   "third-party-outage", "third-party-back", "overload", "overload-back"));
  EXPECT_EQ(find_phase(*made, "baseline")->rate_per_s, 1.25) << "the median hour";
  EXPECT_EQ(find_phase(*made, "peak")->rate_per_s, 3.75) << "the busiest";
  EXPECT_EQ(find_phase(*made, "ramp")->rate_per_s, 2.5);
  EXPECT_EQ(find_phase(*made, "ramp")->shape.size(), 5U);
  EXPECT_EQ(find_phase(*made, "burst")->rate_per_s, 12.5);
  EXPECT_EQ(find_phase(*made, "database-spike")->faults.at(0).dependency, "database");
  EXPECT_EQ(find_phase(*made, "third-party-hanging")->faults.at(0).latency_median, 5min);
  EXPECT_EQ(find_phase(*made, "third-party-outage")->faults.at(0).kind, model::fault_kind::outage);
  EXPECT_EQ(made->notes.phase.at("peak"), "the log's busiest hour");
  EXPECT_THAT(made->notes.phases, testing::Contains(HasSubstr("mixed: every phase sends all routes together; ")));
  EXPECT_THAT(made->notes.phases, testing::Contains(HasSubstr("assay replay log FILES --to http://HOST:PORT")));
  profile_.arrival = {};
  EXPECT_THAT(refusal(), HasSubstr("the profile has no rate; write a \"baseline_rate\""));
}

// The soak is where leaks are judged: that is the longest steady phase, whatever the others are.
TEST_F(shop_binding, has_a_soak_that_is_the_longest_steady_phase) {
  without_phases();
  profile_.arrival.hour_of_day = std::vector<double>(24, 1.0);
  for (const bool full : {false, true}) {
    const auto made = bound({.full = full, .within = {}, .profile_name = {}});
    ASSERT_TRUE(made.has_value()) << made.error();
    const model::phase* const soak = find_phase(*made, "soak");
    ASSERT_NE(soak, nullptr);
    EXPECT_EQ(soak->kind, model::phase_kind::steady);
    EXPECT_EQ(soak->rate_per_s, 100) << "the baseline's";
    EXPECT_TRUE(soak->shape.empty()) << "what grows with the load is no leak";
    EXPECT_EQ(soak->length, full ? std::chrono::nanoseconds(4h) : 30s);
    for (const model::phase& each : made->plan.phases) {
      if (each.kind == model::phase_kind::steady && each.name != "soak") {
        EXPECT_LT(each.length, soak->length);
      }
    }
  }
  binding_ = changed(binding_, "seed: ", "soak: 24h\nseed: ");
  EXPECT_EQ(find_phase(*bound(), "soak")->full_length, 24h);
  binding_ = changed(binding_, "soak: 24h", "soak: 25h");
  EXPECT_THAT(refusal(), HasSubstr("soak: expected a duration from 1m to 24h"));
}

TEST_F(shop_binding, is_overloaded_in_steps_and_then_let_be) {
  without_phases();
  const auto of_peak = bound();
  ASSERT_TRUE(of_peak.has_value()) << of_peak.error();
  EXPECT_NEAR(find_phase(*of_peak, "overload")->rate_per_s, 2 * 300, 1e-9) << "the peak is 3x of the baseline";
  EXPECT_THAT(of_peak->notes.phase.at("overload"), HasSubstr("0.5x to 4x of 300/s, the peak"));
  binding_ = changed(binding_, "seed: ", "capacity_rate: 850\nseed: ");
  const auto of_capacity = bound();
  ASSERT_TRUE(of_capacity.has_value()) << of_capacity.error();
  const model::phase* const over = find_phase(*of_capacity, "overload");
  EXPECT_EQ(over->rate_per_s, 1700);
  EXPECT_EQ(over->shape, (std::vector{0.5, 1.0, 1.5, 2.0, 3.0, 4.0}));
  const model::forecast seen = forecast_of(of_capacity->plan);
  const auto course = std::ranges::find(seen.courses, "overload", &model::phase_course::phase);
  ASSERT_NE(course, seen.courses.end());
  EXPECT_DOUBLE_EQ(course->least_per_s, 425);
  EXPECT_DOUBLE_EQ(course->most_per_s, 3400);
  EXPECT_DOUBLE_EQ(find_phase(*of_capacity, "overload-back")->rate_per_s, 680);
  EXPECT_THAT(of_capacity->notes.phase.at("overload-back"), HasSubstr("0.8x of 850/s, the capacity in the binding"));
  const std::string written = plan_yaml(of_capacity->plan, of_capacity->notes, folder_.path(""));
  EXPECT_THAT(written, HasSubstr("    shape: [0.5, 1, 1.5, 2, 3, 4]\n    full: {rate: 1700, length: 6m}\n"));
  EXPECT_TRUE(decode_plan(folder_.path("shop.plan.yaml"), written).has_value());
}

// Bursts, the day and the worst burst, once the profile knows of them; and with them the reasons in the file.
TEST_F(shop_binding, has_usual_phases_like_the_log) {
  without_phases();
  profile_.arrival.dispersion = {{1, 1.51239}, {10, 0.9}, {60, 7.0}, {300, 9.0}};
  profile_.arrival.hour_of_day = std::vector<double>(24, 0.5);
  profile_.arrival.hour_of_day[12] = 12.5;
  profile_.arrival.worst_minute = std::vector<std::uint64_t>(60, 1);
  profile_.arrival.worst_minute[30] = 19;
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  ASSERT_EQ(made->plan.phases.size(), 18U);
  const model::phase* const peak = find_phase(*made, "peak");
  ASSERT_NE(peak, nullptr);
  EXPECT_EQ(peak->bursts->dispersion, (std::map<int, double>{{1, 1.512}, {10, 1.0}, {60, 7.0}}));
  EXPECT_NEAR(peak->bursts->of_rate_per_s, 1.165 * (23 * 0.25 + 12.5 * 12.5) / 24, 0.01);
  const model::phase* const day = find_phase(*made, "daily-cycle");
  ASSERT_NE(day, nullptr);
  EXPECT_EQ(day->shape, profile_.arrival.hour_of_day);
  EXPECT_TRUE(day->bursts.has_value());
  const model::phase* const worst = find_phase(*made, "worst-burst");
  ASSERT_NE(worst, nullptr);
  EXPECT_NEAR(worst->rate_per_s, 78.0 / 60 * (100 / 1.25), 1e-9) << "scaled as the baseline is";
  EXPECT_EQ(worst->shape.at(30), 19);
  EXPECT_FALSE(worst->bursts.has_value());
  EXPECT_FALSE(find_phase(*made, "burst")->bursts.has_value());
  const std::string written = plan_yaml(made->plan, made->notes, folder_.path(""));
  EXPECT_THAT(written,
              HasSubstr("  # the worst burst that was seen, its rate scaled as the baseline is; the worst minute "
                        "of the log, a second after the other\n  - name: worst-burst\n"));
  EXPECT_THAT(written, HasSubstr("the variance of the counts over their mean is 1.512 at 1 s, 1 at 10 s, 7 at 60 s\n"));
  const auto again = decode_plan(folder_.path("shop.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(plan_yaml(*again, made->notes, folder_.path("")), written);
}

TEST_F(shop_binding, may_ask_for_phases_like_the_log) {
  without_phases();
  const std::string without = binding_;
  const auto with = [&](const std::string& keys) {
    binding_ = without + "\nphases:\n  - {name: a, kind: steady, rate: 1x, length: 10m, " + keys + "}\n";
  };
  with("like_log: hour");
  EXPECT_THAT(refusal(),
              HasSubstr("phases[0].like_log: the profile does not know how requests crowd: its log is too short"));
  with("like_log: day");
  EXPECT_THAT(refusal(), HasSubstr("does not know the shape of a day: its log is too short"));
  with("like_log: worst-minute");
  EXPECT_THAT(refusal(), HasSubstr("its worst minute: its log is shorter, or it is of an older assay"));
  with("like_log: hour, shape: [1, 2]");
  EXPECT_THAT(refusal(), HasSubstr("\"like_log\" takes shape and bursts from the profile"));
  profile_.arrival.dispersion = {{10, 4.0}};
  with("like_log: hour");
  const auto made = bound();
  ASSERT_TRUE(made.has_value()) << made.error();
  EXPECT_EQ(made->plan.phases[0].bursts->dispersion, (std::map<int, double>{{10, 4.0}}));
  EXPECT_THAT(made->notes.phase.at("a"), HasSubstr("is 4 at 10 s"));
}

}  // namespace
}  // namespace assay::plan
