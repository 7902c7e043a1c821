// Over real sockets, against the server that comes with it.
#include "lab/load/calibrator.hpp"

#include <gtest/gtest.h>

#include <thread>

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
