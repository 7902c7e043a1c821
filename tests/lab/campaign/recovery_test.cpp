#include "lab/campaign/recovery.hpp"

#include <gtest/gtest.h>

namespace assay::campaign {
namespace {

// Steady for 10 s, a fault for 5 s, then recovery.
std::vector<model::phase_measurement> phases() {
  std::vector<model::phase_measurement> made(3);
  made[0].kind = model::phase_kind::steady;
  made[0].length_s = 10;
  made[1].kind = model::phase_kind::fault;
  made[1].start_s = 10;
  made[1].length_s = 5;
  made[2].kind = model::phase_kind::recovery;
  made[2].start_s = 15;
  made[2].length_s = 10;
  return made;
}

// A second each, with these p99 in milliseconds.
std::vector<model::load_second> series(const std::vector<double>& p99_ms) {
  std::vector<model::load_second> made;
  for (const double each : p99_ms) {
    made.push_back(
        {.at_s = static_cast<double>(made.size()), .offered = 100, .answered = 100, .response_p99_ms = each});
  }
  return made;
}

std::vector<double> with_end(const std::vector<double>& end) {
  std::vector<double> all(10, 10.0);
  all.insert(all.end(), 5, 400.0);
  all.insert(all.end(), end.begin(), end.end());
  return all;
}

TEST(recovery, at_once_is_zero) { EXPECT_EQ(recovery_time(phases(), series(with_end({10, 11, 12, 10}))), 0.0); }

TEST(recovery, counts_from_the_faults_end_to_the_first_of_three_good_seconds) {
  EXPECT_EQ(recovery_time(phases(), series(with_end({300, 90, 12, 200, 11, 12, 10}))), 4.0);
}

TEST(recovery, the_bound_is_three_times_the_steady_level) {
  EXPECT_EQ(recovery_time(phases(), series(with_end({30, 30, 30}))), 0.0);
  EXPECT_FALSE(recovery_time(phases(), series(with_end({31, 31, 31}))));
}

TEST(recovery, errors_are_no_recovery) {
  std::vector<model::load_second> seconds = series(with_end({10, 10, 10, 10, 10, 10}));
  seconds[16].errors = 5;
  EXPECT_EQ(recovery_time(phases(), seconds), 2.0);
}

TEST(recovery, nothing_when_it_does_not_come) {
  EXPECT_FALSE(recovery_time(phases(), series(with_end({400, 400, 400, 400}))));
  EXPECT_FALSE(recovery_time(phases(), series(with_end({10, 10})))) << "two good seconds are not three";
  EXPECT_FALSE(recovery_time({}, series(with_end({10, 10, 10}))));
  EXPECT_FALSE(recovery_time(phases(), {}));
}

}  // namespace
}  // namespace assay::campaign
