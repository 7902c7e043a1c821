// Fixture of every test in virtual time: a loop over simulated I/O, and proof at the end that nothing leaked.
//
// Misuse: capturing lambdas as test bodies. The body is a coroutine: pass what it needs as arguments.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/frame_pool.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::testing_support {

using namespace std::chrono_literals;

class sim_test : public ::testing::Test {
 protected:
  explicit sim_test(sim_options options = {}) : sim_test(std::make_unique<sim_io>(options)) {}
  ~sim_test() override {
    EXPECT_EQ(detail::live_frames(), frames_before_) << "a coroutine frame leaked";
    EXPECT_EQ(world_.open_sockets(), 0u) << "a socket leaked";
    EXPECT_EQ(world_.lent_buffers(), 0u) << "a lent buffer was not released";
    EXPECT_EQ(on_.timers().size(), 0u) << "a timer stayed armed";
  }

  // Virtual time since the test began.
  duration elapsed() { return on_.now() - began_; }
  instant after(duration span) const { return began_ + span; }

  std::size_t frames_before_ = detail::live_frames();
  sim_io& world_;
  loop on_;
  instant began_;

 private:
  explicit sim_test(std::unique_ptr<sim_io> world) : world_(*world), on_(std::move(world)), began_(on_.now()) {}
};

// What a wait ended with: success, or the failure's code and reason.
template <class T>
::testing::AssertionResult failed_with(const result<T>& got, errc code, cancel_reason reason = cancel_reason::none) {
  if (got) return ::testing::AssertionFailure() << "it succeeded";
  if (got.error().code == code && got.error().reason == reason) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "it failed with: " << describe(got.error());
}

}  // namespace assay::testing_support
