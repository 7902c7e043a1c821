// The wheel against a std::multimap, which is slow and right.
#include "stack/runtime/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace assay {
namespace {

using namespace std::chrono_literals;

struct test_timer : timer_node {
  test_timer() : timer_node(&on_fire) {}
  static void on_fire(timer_node& node) noexcept {
    auto& self = static_cast<test_timer&>(node);
    self.fired++;
    if (self.then) self.then(self);
  }
  int fired = 0;
  std::function<void(test_timer&)> then;
};

constexpr instant start{1000s};

// Drives the wheel and the model alike, and compares them at every step.
class wheel_against_model {
 public:
  wheel_against_model(std::uint64_t seed, std::size_t timers) : random_(seed), timers_(timers) {
    for (auto& timer : timers_) {
      timer = std::make_unique<test_timer>();
      timer->then = [this](test_timer& fired) { on_fired(fired); };
    }
  }
  ~wheel_against_model() {
    for (auto& timer : timers_) wheel_.disarm(*timer);
  }

  void step() {
    switch (random_() % 4) {
      case 0:
      case 1:
        return arm(pick());
      case 2:
        return disarm(pick());
      default:
        return advance(now_ + random_span());
    }
  }
  // As a loop does: wakes exactly when the wheel asks for it.
  void run_dry() {
    const bool was_rearming = std::exchange(rearming_, false);
    while (wheel_.size() > 0) {
      check_next();
      advance(std::max(wheel_.next(), now_));
    }
    EXPECT_TRUE(model_.empty());
    EXPECT_EQ(wheel_.next(), never);
    rearming_ = was_rearming;
  }

 private:
  test_timer& pick() { return *timers_[random_() % timers_.size()]; }

  // From nanoseconds to weeks, every order of magnitude alike.
  duration random_span() {
    const unsigned bits = static_cast<unsigned>(random_() % 50);
    return duration(static_cast<duration::rep>(random_() & ((std::uint64_t{1} << bits) - 1)));
  }

  void forget(test_timer& timer) {
    const auto [first, last] = model_.equal_range(timer.deadline());
    const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second == &timer; });
    if (found != last) model_.erase(found);
  }
  void arm(test_timer& timer) {
    if (timer.armed()) forget(timer);
    // Now and then in the past, at a round time, or with a twin.
    const instant at = random_() % 8 == 0 ? now_ - 1us : now_ + random_span();
    wheel_.arm(timer, at);
    model_.emplace(at, &timer);
  }
  void disarm(test_timer& timer) {
    if (timer.armed()) forget(timer);
    wheel_.disarm(timer);
  }
  void on_fired(test_timer& fired) {
    ASSERT_LE(fired.deadline(), now_) << "early";
    forget(fired);
    fired_now_++;
    if (!rearming_) return;
    if (random_() % 8 == 0) arm_later(fired);
    if (random_() % 8 == 0) disarm(pick());
  }
  // From a callback: due again only in a later advance().
  void arm_later(test_timer& timer) {
    const instant at = now_ + 1ns + random_span();
    wheel_.arm(timer, at);
    model_.emplace(at, &timer);
  }
  void advance(instant to) {
    now_ = std::max(now_, to);
    fired_now_ = 0;
    const std::size_t ran = wheel_.advance(now_);
    ASSERT_EQ(ran, fired_now_);
    ASSERT_TRUE(model_.empty() || model_.begin()->first > now_) << "a timer that was due did not fire";
    ASSERT_EQ(wheel_.size(), model_.size());
    check_next();
  }
  void check_next() {
    if (model_.empty()) {
      ASSERT_EQ(wheel_.next(), never);
      return;
    }
    const instant first = model_.begin()->first;
    ASSERT_LE(wheel_.next(), first) << "it would wake too late";
    constexpr unsigned block_shift = 16 + 6;  // 64 slots of level 0
    const auto block = [](instant at) { return at.time_since_epoch().count() >> block_shift; };
    if (block(first) == block(now_))
      ASSERT_EQ(wheel_.next(), first);
    else if (first > now_)
      ASSERT_GT(wheel_.next(), now_) << "it would wake for nothing, for ever";
  }

  std::mt19937_64 random_;
  instant now_ = start;
  timer_wheel wheel_{start};
  std::vector<std::unique_ptr<test_timer>> timers_;
  std::multimap<instant, test_timer*> model_;
  std::size_t fired_now_ = 0;
  bool rearming_ = true;
};

TEST(timer_wheel_property_test, agrees_with_a_multimap) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    wheel_against_model both(seed, 1 + seed % 64);
    for (int i = 0; i < 500 && !testing::Test::HasFatalFailure(); ++i) both.step();
    both.run_dry();
    ASSERT_FALSE(testing::Test::HasFatalFailure());
  }
}

TEST(timer_wheel_test, fires_at_its_deadline_and_not_a_nanosecond_before) {
  for (const duration span : {1ns, 65'536ns, 4'194'304ns, duration(1h), duration(24h * 365)}) {
    timer_wheel wheel(start);
    test_timer timer;
    wheel.arm(timer, start + span);
    EXPECT_EQ(wheel.advance(start + span - 1ns), 0u);
    EXPECT_EQ(wheel.advance(start + span), 1u);
    EXPECT_EQ(timer.fired, 1);
    EXPECT_EQ(wheel.size(), 0u);
  }
}

TEST(timer_wheel_test, a_timer_among_few_is_waited_for_until_its_deadline) {
  timer_wheel wheel(start);
  std::array<test_timer, 3> timers;
  wheel.arm(timers[0], start + 5ms);
  wheel.arm(timers[1], start + 24h * 365);
  wheel.arm(timers[2], start + 24h * 365 + 1ms);
  for (test_timer& each : timers) {
    EXPECT_EQ(wheel.next(), each.deadline());
    EXPECT_EQ(wheel.advance(wheel.next()), 1U);
  }
}

TEST(timer_wheel_test, few_wakes_bring_many_far_timers_down) {
  timer_wheel wheel(start);
  std::array<test_timer, 50> timers;
  for (test_timer& each : timers) wheel.arm(each, start + 24h * 365);
  int wakes = 0;
  while (timers[0].fired == 0) {
    wheel.advance(wheel.next());
    wakes++;
  }
  EXPECT_LE(wakes, 9);  // one a level, and the deadline itself
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(timer_wheel_test, rearming_moves_the_deadline) {
  timer_wheel wheel(start);
  test_timer timer;
  wheel.arm(timer, start + 1ms);
  wheel.arm(timer, start + 5ms);
  EXPECT_EQ(wheel.size(), 1u);
  EXPECT_EQ(wheel.advance(start + 4ms), 0u);
  EXPECT_EQ(wheel.advance(start + 5ms), 1u);
}

TEST(timer_wheel_test, a_callback_may_rearm_itself_without_firing_twice_in_one_advance) {
  timer_wheel wheel(start);
  test_timer timer;
  timer.then = [&wheel](test_timer& self) {
    if (self.fired < 3) wheel.arm(self, start);  // in the past
  };
  wheel.arm(timer, start);
  EXPECT_EQ(wheel.advance(start + 1ms), 1u);
  EXPECT_EQ(wheel.advance(start + 1ms), 1u);
  EXPECT_EQ(wheel.advance(start + 2ms), 1u);
  EXPECT_EQ(wheel.size(), 0u);
}

TEST(timer_wheel_test, a_callback_may_disarm_a_neighbour_that_is_due_as_well) {
  timer_wheel wheel(start);
  test_timer first;
  test_timer second;
  first.then = [&](test_timer&) { wheel.disarm(second); };
  second.then = [&](test_timer&) { wheel.disarm(first); };
  wheel.arm(first, start + 1us);
  wheel.arm(second, start + 1us);
  EXPECT_EQ(wheel.advance(start + 1s), 1u);
  EXPECT_EQ(first.fired + second.fired, 1);
  EXPECT_EQ(wheel.size(), 0u);
  EXPECT_EQ(wheel.next(), never);
}

TEST(timer_wheel_death_test, an_armed_timer_must_not_go) {
  const auto misuse = [] {
    static timer_wheel wheel(start);
    test_timer armed;
    wheel.arm(armed, start + 1s);
  };
  EXPECT_DEATH(misuse(), "an intrusive node was destroyed while linked");
}

TEST(timer_wheel_death_test, an_endless_wait_is_refused) {
  timer_wheel wheel(start);
  test_timer timer;
  EXPECT_DEATH(wheel.arm(timer, never), "an endless wait needs no timer");
}

}  // namespace
}  // namespace assay
