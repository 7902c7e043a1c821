#include "lab/inside/event_joiner.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace assay::inside {
namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint32_t pid = 7;

blocking_event read_call(std::uint64_t start_ms, std::uint64_t length_ms) {
  blocking_event event;
  event.tid = pid;
  event.start_ns = start_ms * ms;
  event.length_ns = length_ms * ms;
  event.call = "read";
  event.peer = "/slow";
  event.place = "node+0x12";
  return event;
}

shim_note note_of(assay_probe_note_kind kind, std::uint64_t start_ms, std::uint64_t end_ms, const std::string& what) {
  return {.kind = kind,
          .start_ns = start_ms * ms,
          .end_ns = end_ms * ms,
          .what = what,
          .stack = {"app.js:3 in handle"},
          .place = "app.js:3 in handle"};
}

thread_stall segment(std::uint64_t start_ms, std::uint64_t length_ms) { return {pid, start_ms * ms, length_ms * ms}; }

TEST(event_joiner, a_call_takes_its_line_from_the_note_around_it) {
  event_joiner joiner;
  joiner.add(pid, read_call(100, 80));
  joiner.add(pid, read_call(300, 80));
  joiner.add(pid, note_of(assay_note_call, 99, 181, "fs.readSync"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled[0].event.place, "app.js:3 in handle");
  EXPECT_EQ(settled[0].event.call, "read");
  EXPECT_EQ(settled[0].event.peer, "/slow");
  EXPECT_EQ(settled[1].event.place, "node+0x12") << "no note is about that one";
}

TEST(event_joiner, what_has_only_just_ended_waits_for_its_other_half) {
  event_joiner joiner;
  joiner.add(pid, read_call(100, 80));
  EXPECT_TRUE(joiner.settle(150 * ms).empty());
  joiner.add(pid, note_of(assay_note_call, 99, 181, "fs.readSync"));
  EXPECT_EQ(joiner.settle(1000 * ms).at(0).event.place, "app.js:3 in handle");
  EXPECT_TRUE(joiner.settle(UINT64_MAX).empty()) << "each once";
}

TEST(event_joiner, a_slow_function_that_waited_for_nothing_has_computed) {
  event_joiner joiner;
  joiner.add(pid, note_of(assay_note_call, 100, 190, "crypto.pbkdf2Sync"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].event.call, computing_call);
  EXPECT_EQ(settled[0].event.peer, "crypto.pbkdf2Sync");
  EXPECT_EQ(settled[0].event.length_ns, 90 * ms);
  EXPECT_EQ(settled[0].event.tid, pid);
}

TEST(event_joiner, a_slow_function_that_hardly_waited_has_computed) {
  event_joiner joiner;
  joiner.add(pid, read_call(150, 6));
  joiner.add(pid, note_of(assay_note_call, 100, 400, "fs.rmSync"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled[1].event.call, computing_call);
  EXPECT_EQ(settled[1].event.length_ns, 300 * ms);
}

TEST(event_joiner, what_a_collector_waits_for_is_part_of_its_pause) {
  event_joiner joiner;
  blocking_event wait = read_call(110, 30);
  wait.call = call_name(assay_call_lock);
  joiner.add(pid, wait);
  joiner.add(pid, note_of(assay_note_collection, 100, 160, "mark-sweep"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].event.call, call_name(assay_call_collection));
}

TEST(event_joiner, a_sample_stands_for_the_whole_segment_it_was_taken_in) {
  event_joiner joiner;
  joiner.add(pid, note_of(assay_note_sample, 100, 131, "computing"));
  EXPECT_TRUE(joiner.settle(1000 * ms).empty()) << "the segment goes on, as far as anyone knows";
  joiner.add(pid, segment(100, 250));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].event.call, computing_call);
  EXPECT_EQ(settled[0].event.length_ns, 250 * ms);
  EXPECT_EQ(settled[0].event.place, "app.js:3 in handle");
}

TEST(event_joiner, a_sample_of_a_segment_that_a_call_fills_says_nothing_new) {
  event_joiner joiner;
  joiner.add(pid, read_call(101, 80));
  joiner.add(pid, segment(100, 90));
  joiner.add(pid, note_of(assay_note_sample, 100, 131, "computing"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].event.call, "read");
}

TEST(event_joiner, a_segment_in_which_the_thread_did_not_run_has_not_computed) {
  event_joiner joiner;
  thread_stall starved = segment(100, 90);
  starved.use = segment_use{.cpu_ns = 10 * ms, .preempted = 9};
  joiner.add(pid, starved);
  joiner.add(pid, note_of(assay_note_sample, 100, 131, "computing"));
  EXPECT_TRUE(joiner.settle(1000 * ms).empty());
}

TEST(event_joiner, a_call_without_a_note_takes_its_line_from_the_sample_right_after_it) {
  event_joiner joiner;
  joiner.add(pid, read_call(101, 5));
  joiner.add(pid, read_call(110, 80));
  joiner.add(pid, read_call(192, 8));
  blocking_event of_another = read_call(120, 70);
  of_another.tid = pid + 1;
  joiner.add(pid, of_another);
  joiner.add(pid, note_of(assay_note_sample, 100, 191, "computing"));
  joiner.add(pid, segment(100, 110));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 4U);
  EXPECT_EQ(settled[0].event.place, "node+0x12") << "it was over when the loop was looked at";
  EXPECT_EQ(settled[1].event.place, "app.js:3 in handle");
  EXPECT_EQ(settled[2].event.place, "node+0x12");
  EXPECT_EQ(settled[3].event.place, "node+0x12");
}

TEST(event_joiner, a_line_that_the_shim_knew_at_the_call_stays) {
  event_joiner joiner;
  blocking_event known = read_call(110, 80);
  known.place = "app.py:9 in fetch";
  known.by_shim = true;
  joiner.add(pid, known);
  joiner.add(pid, note_of(assay_note_sample, 100, 191, "computing"));
  EXPECT_EQ(joiner.settle(1000 * ms).at(0).event.place, "app.py:9 in fetch");
}

TEST(event_joiner, a_note_is_about_calls_of_its_own_thread) {
  event_joiner joiner;
  blocking_event of_another = read_call(100, 80);
  of_another.tid = pid + 1;
  joiner.add(pid, of_another);
  joiner.add(pid, note_of(assay_note_call, 99, 181, "crypto.pbkdf2Sync"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled[0].event.place, "node+0x12");
  EXPECT_EQ(settled[1].event.call, computing_call);
}

TEST(event_joiner, what_another_thread_waits_for_explains_no_segment) {
  event_joiner joiner;
  blocking_event of_another = read_call(100, 90);
  of_another.tid = pid + 1;
  joiner.add(pid, of_another);
  joiner.add(pid, segment(100, 90));
  joiner.add(pid, note_of(assay_note_sample, 100, 131, "computing"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 2U);
  EXPECT_EQ(settled[1].event.call, computing_call);
}

TEST(event_joiner, a_pause_of_the_collector_is_an_event_of_its_own) {
  event_joiner joiner;
  joiner.add(pid, note_of(assay_note_collection, 100, 140, "garbage collection"));
  const auto settled = joiner.settle(1000 * ms);
  ASSERT_EQ(settled.size(), 1U);
  EXPECT_EQ(settled[0].event.call, "garbage collection");
  EXPECT_EQ(settled[0].event.length_ns, 40 * ms);
}

TEST(event_joiner, memory_is_bounded) {
  event_joiner joiner;
  for (std::uint64_t i = 0; i < 2 * event_joiner::most_pending; ++i) {
    joiner.add(pid, read_call(i, 1));
    joiner.add(pid, segment(i, 20));
    joiner.add(pid, note_of(assay_note_sample, i + 1'000'000, i + 1'000'001, "computing"));
  }
  for (std::uint32_t other = 0; other < 2 * event_joiner::most_processes; ++other) joiner.add(other, read_call(1, 1));
  EXPECT_GE(joiner.dropped(), 2 * event_joiner::most_pending);
  EXPECT_LE(joiner.settle(UINT64_MAX).size(), event_joiner::most_pending + event_joiner::most_processes);
}

}  // namespace
}  // namespace assay::inside
