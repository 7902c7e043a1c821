#include "lab/inside/thread_history.hpp"

#include <gtest/gtest.h>

namespace assay::inside {
namespace {

constexpr std::uint64_t s = 1'000'000'000;

// A thread that had `count` segments of 100 ms by now.
thread_counters counted(std::uint32_t tid, std::uint64_t count, std::uint64_t busy_since_ns = 0) {
  thread_counters counters;
  counters.tid = tid;
  counters.generation = 1;
  counters.name = "loop";
  counters.began_ns = s / 2;
  counters.busy_since_ns = busy_since_ns;
  counters.waits = count + 40;
  counters.calls = 10 * count;
  const segment_bucket bucket{count, static_cast<double>(count) * 1e8, static_cast<double>(count) * 1e16};
  if (count > 0) counters.buckets.emplace_back(assay_probe_bucket_of(100'000'000), bucket);
  return counters;
}

TEST(thread_history, a_phase_is_the_difference_of_two_looks_of_the_busiest) {
  thread_history history;
  for (std::uint64_t second = 1; second <= 10; ++second) {
    history.look(second * s);
    history.add(1, counted(7, 2 * second), model::lag_quality::traced);
    history.add(1, counted(8, second < 6 ? 0 : 5 * (second - 5)), model::lag_quality::traced);
  }
  const auto early = history.lag("early", s, 5 * s);
  EXPECT_EQ(early.quality, model::lag_quality::traced);
  EXPECT_NEAR(early.utilisation, 0.2, 1e-6);
  EXPECT_NEAR(early.mean_ms, 10, 1e-3);
  EXPECT_NEAR(lag_quantile(history.segments(s, 5 * s), 0.9), 50e6, 1e3) << "half of a segment, for a tenth of the time";
  const auto late = history.lag("late", 5 * s, 10 * s + s / 20);
  EXPECT_NEAR(late.utilisation, 0.5, 1e-6);
  EXPECT_EQ(late.phase, "late");
  EXPECT_NEAR(late.max_ms, 100, 0.1);
}

TEST(thread_history, work_is_what_that_the_library_saw) {
  thread_history history;
  history.look(s);
  history.add(1, counted(7, 2), model::lag_quality::traced);
  history.add(1, counted(8, 5), model::lag_quality::traced);
  history.add(2, counted(9, 1000), model::lag_quality::sampled);
  history.look(2 * s);
  history.add(1, counted(7, 4), model::lag_quality::traced);
  EXPECT_EQ(history.traced_work().turns, 44U + 45U);
  EXPECT_EQ(history.traced_work().calls, 40U + 50U);
}

TEST(thread_history, no_loop_is_no_quality) {
  thread_history history;
  EXPECT_EQ(history.lag("none", 0, s).quality, model::lag_quality::none);
  EXPECT_EQ(history.segments(0, s).window_ns, 0);
  history.look(s);
  EXPECT_EQ(history.lag("none", 0, s).quality, model::lag_quality::none);
  EXPECT_FALSE(history.has_traced_loop(1));
  history.add(1, counted(7, 2), model::lag_quality::sampled);
  EXPECT_FALSE(history.has_traced_loop(1));
  history.add(1, counted(8, 2), model::lag_quality::traced);
  EXPECT_TRUE(history.has_traced_loop(1));
  EXPECT_FALSE(history.has_traced_loop(2));
}

TEST(thread_history, an_idle_loop_is_a_loop) {
  thread_history history;
  for (std::uint64_t second = 1; second <= 3; ++second) {
    history.look(second * s);
    history.add(1, counted(7, 0), model::lag_quality::sampled);
  }
  const auto lag = history.lag("idle", s, 3 * s);
  EXPECT_EQ(lag.quality, model::lag_quality::sampled);
  EXPECT_EQ(lag.utilisation, 0);
}

TEST(thread_history, a_loop_frozen_to_the_end_is_all_busy) {
  thread_history history;
  for (std::uint64_t second = 1; second <= 6; ++second) {
    history.look(second * s);
    history.add(1, counted(7, 2, second >= 3 ? 2 * s + 1 : 0), model::lag_quality::traced);
  }
  const auto lag = history.lag("frozen", 3 * s, 6 * s);
  EXPECT_NEAR(lag.utilisation, 1, 1e-6);
  EXPECT_NEAR(lag.max_ms, 4000, 1);
  EXPECT_EQ(lag.stalls.at(500), 1U);
  EXPECT_EQ(history.stalls().size(), 1U);
}

TEST(thread_history, a_stall_of_an_unknown_thread_is_counted_as_dropped) {
  thread_history history;
  history.look(s);
  history.add_stall(1, {7, s, s});
  EXPECT_EQ(history.dropped(), 1U);
  history.add(1, counted(7, 1), model::lag_quality::traced);
  history.add_stall(2, {7, s, s});
  history.add_stall(1, {8, s, s});
  EXPECT_EQ(history.dropped(), 3U);
  history.add_stall(1, {7, s, s});
  EXPECT_EQ(history.dropped(), 3U);
}

// A service that starts a worker with a loop for each job, all day long.
TEST(thread_history, the_loop_that_ended_first_makes_room_for_another) {
  thread_history history;
  constexpr std::uint32_t loops = 2 * thread_history::most_threads;
  history.look(s);
  for (std::uint32_t tid = 1; tid <= loops; ++tid) {
    history.look(tid * s);
    auto ended = counted(tid, 2);
    ended.began_ns = tid * s;
    history.add(1, ended, model::lag_quality::traced);
    history.look(tid * s + s / 2);
    ended.ended_ns = tid * s + s / 2;
    history.add(1, ended, model::lag_quality::traced);
    history.add_stall(1, {tid, tid * s, s / 4});
  }
  EXPECT_EQ(history.dropped(), 0U);
  EXPECT_EQ(history.evicted(), loops - thread_history::most_threads);
  EXPECT_EQ(history.name_of({1, loops, 1}), "loop") << "the last is kept";
  EXPECT_EQ(history.name_of({1, 1, 1}), "") << "the first is not";
  EXPECT_EQ(history.stalls().size(), thread_history::most_threads);
  EXPECT_EQ(history.traced_work().turns, 42U * loops) << "their turns were made";
  EXPECT_EQ(history.traced_work().calls, 20U * loops);
  auto again = counted(1, 2);
  again.ended_ns = s + s / 2;
  history.add(1, again, model::lag_quality::traced);
  EXPECT_EQ(history.name_of({1, 1, 1}), "") << "its file tells of it for as long as the process lives";
}

TEST(thread_history, loops_that_go_on_make_no_room) {
  thread_history history;
  history.look(s);
  for (std::uint32_t tid = 1; tid <= thread_history::most_threads + 1; ++tid) {
    history.add(1, counted(tid, 2), model::lag_quality::traced);
  }
  EXPECT_EQ(history.dropped(), 1U);
  EXPECT_EQ(history.evicted(), 0U);
}

TEST(thread_history, memory_is_bounded_and_the_present_is_kept) {
  thread_history history;
  constexpr std::uint64_t looks = 60'000;
  for (std::uint64_t i = 1; i <= looks; ++i) {
    history.look(i * s);
    history.add(1, counted(7, 5 * i), model::lag_quality::traced);
  }
  EXPECT_NEAR(history.lag("all", s, looks * s).utilisation, 0.5, 1e-2);
  EXPECT_NEAR(history.lag("end", (looks - 100) * s, looks * s).utilisation, 0.5, 0.05);
}

}  // namespace
}  // namespace assay::inside
