// Over real sockets, against the server that comes with it.
#include "lab/load/calibrator.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

load_options short_ones() {
  load_options options;
  options.length = 600ms;
  options.connections = 4;
  options.rate_per_s = 200;
  return options;
}

TEST(calibrator, runs_as_fast_as_it_goes_and_at_ease) {
  calibrator of(short_ones());
  const auto seen = of.run();
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_EQ(seen->fastest.model, model::load_model::closed);
  EXPECT_GT(seen->fastest.requests, 100U);
  EXPECT_GT(seen->fastest.generator.cpu_per_request_ns, 0);
  EXPECT_TRUE(seen->fastest.errors.empty());
  EXPECT_EQ(seen->at_ease.model, model::load_model::open);
  EXPECT_EQ(seen->at_ease.offered_requests, 60U);
  EXPECT_EQ(seen->at_ease.requests, 60U);
  EXPECT_TRUE(seen->at_ease.errors.empty());
  EXPECT_EQ(seen->at_ease.connects, 4U);
  EXPECT_EQ(seen->at_ease.connect_time.count(), 4U);
  EXPECT_EQ(of.look().answers, 0U) << "no run is under way";
}

TEST(calibrator, errors_of_a_server_that_makes_none_are_this_machines) {
  model::calibration seen;
  seen.fastest.requests = 1000;
  seen.fastest.valid = false;
  seen.fastest.reasons = {"generator out of CPU"};
  seen.at_ease.requests = 100;
  judge_calibration(seen);
  EXPECT_TRUE(seen.at_ease.valid) << "as fast as it goes the generator is out of CPU";
  seen.fastest.errors = {{"closed", 2}, {"reset", 1}};
  judge_calibration(seen);
  EXPECT_FALSE(seen.at_ease.valid);
  EXPECT_EQ(seen.at_ease.reasons,
            std::vector<std::string>{
                "errors as fast as it goes (2 closed, 1 reset), of a server that makes none: this machine"});
  seen.fastest.errors.clear();
  seen.fastest.requests = 0;
  seen.at_ease.reasons = {"generator late"};
  seen.at_ease.errors = {{"timed_out", 5}};
  judge_calibration(seen);
  EXPECT_EQ(seen.at_ease.reasons,
            (std::vector<std::string>{"generator late", "nothing was answered as fast as it goes",
                                      "errors at the rate (5 timed_out), of a server that makes none: this machine"}));
}

TEST(calibrator, ends_when_told) {
  load_options options = short_ones();
  options.length = 20min;
  calibrator of(options);
  std::thread stopping([&of] {
    while (of.look().answers == 0) std::this_thread::yield();
    of.stop();
  });
  const auto seen = of.run();
  stopping.join();
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error(), "interrupted");
}

}  // namespace
}  // namespace assay::load
