#include "stack/observe/stall_detector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace assay::observe {
namespace {

using namespace std::chrono_literals;

constexpr instant start{1000s};

// Looks every 5 ms.
struct ticks {
  stall_detector detector{stall_options{}};
  instant now = start;
  int stalls = 0;
  int reports = 0;
  duration last_stall{};

  // The loop works on one thing for `span`, from one tick on.
  void work(duration span) {
    const instant since = now;
    for (; now - since < span; now += 5ms) note(detector.look(now, since));
  }
  void idle(duration span) {
    for (const instant until = now + span; now < until; now += 5ms) note(detector.look(now, std::nullopt));
  }
  void note(const stall_detector::verdict& said) {
    stalls += said.begins ? 1 : 0;
    reports += said.report ? 1 : 0;
    last_stall = said.ended.value_or(last_stall);
  }
};

TEST(stall_detector, reports_a_stall_once_and_when_it_has_ended_its_length) {
  ticks loop;
  loop.work(20ms);
  loop.idle(5ms);
  EXPECT_EQ(loop.stalls, 0);
  loop.work(300ms);
  EXPECT_EQ(loop.stalls, 1);
  EXPECT_EQ(loop.reports, 1);
  EXPECT_EQ(loop.last_stall, 0ms);
  loop.idle(5ms);
  EXPECT_EQ(loop.last_stall, 295ms) << "to within one period";
  EXPECT_TRUE(loop.detector.ready());
}

TEST(stall_detector, many_short_turns_and_waiting_for_an_hour_are_no_stall) {
  ticks loop;
  for (int i = 0; i < 1000; ++i) loop.work(20ms);
  EXPECT_EQ(loop.stalls, 0) << "each is another segment";
  loop.idle(1h);
  EXPECT_EQ(loop.stalls, 0);
}

// One segment of `span` from `begin` on, looked at by a period and when next_look_in() says. How many stalls were seen.
int seen_of_one_segment(instant begin, duration span, duration period) {
  stall_detector detector{stall_options{}};
  int stalls = 0;
  instant next_tick = start;
  for (instant now = start; now < start + 100ms;) {
    const bool works = begin <= now && now < begin + span;
    stalls += detector.look(now, works ? std::optional(begin) : std::nullopt).begins ? 1 : 0;
    if (now == next_tick) next_tick += period;
    now = std::min(next_tick, now + detector.next_look_in().value_or(period));
  }
  return stalls;
}

TEST(stall_detector, a_second_look_meets_each_stall_between_two_ticks) {
  for (duration phase{}; phase < 20ms; phase += 1ms) {
    EXPECT_EQ(seen_of_one_segment(start + 40ms + phase, 26ms, 20ms), 1) << phase.count();
    EXPECT_EQ(seen_of_one_segment(start + 40ms + phase, 24ms, 20ms), 0) << phase.count();
  }
}

// Since it began; a segment from `begin` on that does not end, looked at as above.
duration reported_after(instant begin, duration period) {
  stall_detector detector{stall_options{}};
  instant next_tick = start;
  for (instant now = start; now < start + 1min;) {
    if (detector.look(now, begin <= now ? std::optional(begin) : std::nullopt).report) return now - begin;
    if (now == next_tick) next_tick += period;
    now = std::min(next_tick, now + detector.next_look_in().value_or(period));
  }
  return 1min;
}

TEST(stall_detector, what_never_ends_is_reported_as_soon_as_it_is_a_stall) {
  for (const duration period : {1ms, 7ms, 20ms, 25ms}) {
    for (duration phase{}; phase < period; phase += 1ms) {
      EXPECT_EQ(reported_after(start + 1s + phase, period), stall_options{}.report_after) << phase.count();
    }
  }
}

TEST(stall_detector, the_next_look_is_when_it_will_be_a_stall_then_for_its_end) {
  stall_detector detector{stall_options{}};
  std::ignore = detector.look(start, std::nullopt);
  EXPECT_EQ(detector.next_look_in(), std::nullopt);
  std::ignore = detector.look(start + 20ms, start + 13ms);
  EXPECT_EQ(detector.next_look_in(), 18ms);
  std::ignore = detector.look(start + 38ms, start + 13ms);
  EXPECT_EQ(detector.next_look_in(), 25ms);
  std::ignore = detector.look(start + 63ms, std::nullopt);
  EXPECT_EQ(detector.next_look_in(), std::nullopt);
}

TEST(stall_detector, the_lag_is_the_age_of_the_segment) {
  stall_detector detector{stall_options{}};
  EXPECT_EQ(detector.look(start, start - 7ms).lag, 7ms);
  EXPECT_EQ(detector.look(start, std::nullopt).lag, 0ms);
  EXPECT_EQ(detector.look(start, start + 1us).lag, 0ms) << "it began after the clock was read";
}

TEST(stall_detector, reports_are_limited_and_the_next_says_how_many_are_missing) {
  ticks loop;
  for (int i = 0; i < 12; ++i) {
    loop.work(30ms);
    loop.idle(5ms);
  }
  EXPECT_EQ(loop.stalls, 12);
  EXPECT_EQ(loop.reports, 5);
  loop.idle(1min);
  const auto said = loop.detector.look(loop.now, loop.now - 30ms);
  EXPECT_TRUE(said.report);
  EXPECT_EQ(said.unreported, 7U);
}

TEST(stall_detector, a_long_stall_is_not_ready_until_it_has_been_well_for_a_while) {
  ticks loop;
  loop.work(1995ms);
  EXPECT_TRUE(loop.detector.ready());
  loop.work(2005ms);
  EXPECT_FALSE(loop.detector.ready());
  loop.idle(4s);
  EXPECT_FALSE(loop.detector.ready());
  loop.work(30ms);  // again
  loop.idle(4990ms);
  EXPECT_FALSE(loop.detector.ready());
  loop.idle(15ms);
  EXPECT_TRUE(loop.detector.ready());
}

}  // namespace
}  // namespace assay::observe
