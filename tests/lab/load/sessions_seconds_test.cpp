// The seconds of sessions, whose steps come in no order, in virtual time.
#include "lab/load/gate.hpp"
#include "tests/lab/load/sessions_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;

TEST_F(sessions, have_their_steps_in_the_seconds_that_these_were_meant_for) {
  scenarios[0].think = pause(1300ms);
  options.length = 3s;
  options.keep_seconds = true;
  bool was_over = false;
  bool next_was_over = true;
  looks.emplace_back(1050ms, [&] {
    was_over = series->is_over(0);
    next_was_over = series->is_over(1);
  });
  run();
  EXPECT_TRUE(was_over) << "while it runs";
  EXPECT_FALSE(next_was_over);
  EXPECT_EQ(series->sums(0).offered, 10U);
  EXPECT_EQ(series->sums(1).offered, 17U) << "the second steps of the first seven";
  EXPECT_EQ(series->sums(2).offered, 20U);
  EXPECT_EQ(series->details(2).sent, 20U);
}

TEST_F(sessions, that_wait_hold_up_the_second_that_they_were_due_in) {
  options.connections = 1;
  options.length = 4s;
  options.timeout = 700ms;
  options.keep_seconds = true;
  server.decide = [](std::size_t, std::size_t) { return reply{.after = 600ms}; };
  std::size_t looked = 0;
  for (const duration offset : {1500ms, 3900ms}) {
    looks.emplace_back(offset, [&] {
      EXPECT_FALSE(series->last()) << "sessions of the first second have had no place";
      looked++;
    });
  }
  const model::load_result seen = run();
  EXPECT_EQ(looked, 2U);
  EXPECT_EQ(seen.sessions[0].started, 5U);
  EXPECT_EQ(series->sums(0).offered, 11U) << "and the second step of the first";
  EXPECT_EQ(series->sums(0).answered, 5U);
  EXPECT_EQ(series->sums(0).errors, 6U) << "one is cut, five are never sent";
  EXPECT_EQ(series->sums(1).offered, 11U) << "the second of the second, which began before the first of the third";
  EXPECT_EQ(series->sums(2).offered, 10U);
  EXPECT_NEAR(series->sums(0).response_max_ms, 4300, 5) << "due at 0.4 s, and given up after the end";
}

TEST_F(sessions, that_are_interrupted_end_their_seconds) {
  scenarios[0].think = pause(700ms);
  options.length = 60s;
  options.keep_seconds = true;
  stop_at = 1550ms;
  const model::load_result seen = run();
  EXPECT_GT(seen.sessions[0].cut, 0U);
  EXPECT_EQ(series->sums(0).offered, 10U + 3U);
  EXPECT_EQ(series->sums(2).offered, 0U);
}

TEST_F(sessions, tell_each_window_once_it_is_over_also_where_no_seconds_are_kept) {
  options.length = 10s;
  options.windowed = windowed_gates(*parse_gates("max<1s every 1s"));
  std::uint64_t half_way = 0;
  looks.emplace_back(5500ms, [&] { half_way = windows->outcomes().at(0).windows; });
  const model::load_result seen = run();
  EXPECT_EQ(half_way, 5U) << "else a run would keep all of them until its end";
  ASSERT_EQ(seen.windows.size(), 1U);
  EXPECT_EQ(seen.windows[0].windows, 10U);
  EXPECT_EQ(seen.windows[0].failed, 0U);
}

TEST_F(sessions, of_a_burst_are_seen_to_be_back) {
  scenarios[0].rate_per_s.reset();
  options.stages = {{.rate_per_s = 10, .length = 4s},
                    {.rate_per_s = 50, .length = 1s, .burst_of_per_s = 10},
                    {.rate_per_s = 10, .length = 6s}};
  server.decide_on = [&](std::string_view) {
    const duration now = network->now() - start;
    return reply{.after = now > 4s && now < 6500ms ? 80ms : 20ms};
  };
  const model::load_result seen = run();
  ASSERT_EQ(seen.stages.size(), 3U);
  ASSERT_TRUE(seen.stages[1].burst);
  EXPECT_EQ(seen.stages[1].burst->back_from_s, 2) << seen.stages[1].burst->why_not;
  EXPECT_EQ(seen.stages[1].burst->watched_s, 6);
}

}  // namespace
}  // namespace assay::load
