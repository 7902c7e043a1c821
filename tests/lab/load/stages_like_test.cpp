#include "lab/load/stages_like.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

model::arrivals at_rate(double per_s) {
  model::arrivals seen;
  seen.first = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
  seen.mean_per_s = per_s;
  return seen;
}

std::vector<double> rates(const std::vector<stage>& of) {
  std::vector<double> found;
  for (const stage& each : of) {
    EXPECT_EQ(each.length, 1s);
    EXPECT_GE(each.rate_per_s, 0);
    found.push_back(each.rate_per_s);
  }
  return found;
}

double mean(std::span<const double> of) {
  return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size());
}

TEST(stages_like, variances_are_those_that_make_the_dispersions) {
  constexpr double rate = 7;
  for (const auto& [v1, v10, v60] : {std::tuple(0.5, 0.0, 0.0), {0.0, 1.5, 0.0}, {0.0, 0.0, 2.0}, {0.4, 0.7, 1.1}}) {
    const double in_hour = 60 * v60 / (60 + v60);  // what of v60 is left when the hour's sum is given
    const double c60 = in_hour;
    const double c10 = (1 + v10) * (1 + c60) - 1;
    const double c1 = (1 + v1) * (1 + c10) - 1;
    model::arrivals seen = at_rate(rate);
    seen.dispersion = {{1, 1 + rate * c1}, {10, 1 + rate * (c1 + 9 * c10)}, {60, 1 + rate * (c1 + 9 * c10 + 50 * c60)}};
    const burst_variances found = bursts_of(seen, rate);
    EXPECT_NEAR(found.second, v1, 1e-9);
    EXPECT_NEAR(found.ten, v10, 1e-9);
    EXPECT_NEAR(found.minute, v60, 1e-9);
  }
}

TEST(stages_like, what_poisson_arrivals_cannot_have_or_the_log_did_not_tell_adds_nothing) {
  model::arrivals seen = at_rate(5);
  EXPECT_EQ(bursts_of(seen, 5).second, 0);
  seen.dispersion = {{1, 0.3}, {10, 0.2}, {60, 0.9}};
  const burst_variances steady = bursts_of(seen, 5);
  EXPECT_LT(steady.second + steady.ten + steady.minute, 0.02);
  seen.dispersion = {{1, 3.0}};
  EXPECT_NEAR(bursts_of(seen, 5).second, 0.4, 1e-9);
  EXPECT_EQ(bursts_of(seen, 5).minute, 0);
  EXPECT_EQ(bursts_of(seen, 0).second, 0);
}

TEST(stages_like, without_bursts_they_are_the_shape_of_the_day) {
  model::arrivals seen = at_rate(4);
  for (int hour = 0; hour < 24; ++hour) seen.hour_of_day.push_back(hour < 12 ? 0.5 : 1.5);
  seen.zone_minutes = 60;
  seen.first += 10h + 30min + 17s;  // 11:30:17 on that clock
  const auto found = rates(stages_like(seen, 2h, 1));
  ASSERT_EQ(found.size(), 7200U);
  const std::size_t noon = 30 * 60 - 17;
  EXPECT_DOUBLE_EQ(found[noon - 1], 2);
  EXPECT_DOUBLE_EQ(found[noon], 6);
}

TEST(stages_like, bursts_leave_each_hour_its_share_and_repeat_with_the_seed) {
  model::arrivals seen = at_rate(4);
  seen.dispersion = {{1, 5}, {10, 20}, {60, 60}};
  const auto found = rates(stages_like(seen, 3h, 9));
  for (std::size_t hour = 0; hour < 3; ++hour) EXPECT_NEAR(mean(std::span(found).subspan(hour * 3600, 3600)), 4, 1e-9);
  EXPECT_EQ(found, rates(stages_like(seen, 3h, 9)));
  EXPECT_NE(found, rates(stages_like(seen, 3h, 10)));
  EXPECT_EQ(stages_like(seen, longest_likeness + 1h, 1).size(), 7U * 24 * 3600);
}

TEST(stages_like, the_gamma_law_has_its_mean_and_variance) {
  // Of the seconds of many hours, each variable alone.
  for (const double variance : {0.2, 1.0, 4.0}) {
    model::arrivals seen = at_rate(1);
    seen.dispersion = {{1, 1 + variance}, {10, 1 + variance}, {60, 1 + variance}};
    const auto found = rates(stages_like(seen, 20h, 3));
    double squares = 0;
    for (const double each : found) squares += (each - 1) * (each - 1);
    EXPECT_NEAR(squares / static_cast<double>(found.size()) / variance, 1, 0.1) << variance;
  }
}

}  // namespace
}  // namespace assay::load
