#include "lab/inside/syscall_sampler.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <optional>
#include <set>
#include <string>
#include <thread>

namespace assay::inside {
namespace {

TEST(parse_syscall, a_number_or_nothing) {
  EXPECT_EQ(parse_syscall("232 0x4 0x7ffd 0x400 0xffffffff 0x0 0x8 0x7ffd 0x7f00\n"), 232);
  EXPECT_FALSE(parse_syscall("running\n"));
  EXPECT_FALSE(parse_syscall("-1 0x7ffd 0x7f00\n"));  // blocked, but not in a call
  EXPECT_FALSE(parse_syscall(""));
  EXPECT_FALSE(parse_syscall("232"));
  EXPECT_FALSE(parse_syscall("99999999999999999999 0x4"));
}

TEST(parse_syscall, the_poll_family_is_parked) {
  EXPECT_TRUE(is_wait_of_loop(SYS_epoll_pwait));
  EXPECT_TRUE(is_wait_of_loop(SYS_io_uring_enter));
  EXPECT_FALSE(is_wait_of_loop(SYS_ppoll));
  EXPECT_FALSE(is_wait_of_loop(SYS_read));
  EXPECT_FALSE(is_wait_of_loop(SYS_futex));
  EXPECT_FALSE(is_epoll_wait(SYS_ppoll));
}

TEST(sampled_thread, busy_samples_in_a_row_are_one_segment) {
  constexpr std::uint64_t ms = 1'000'000;
  sampled_thread thread(7, "loop", 0);
  for (std::uint64_t t = 1; t <= 100; ++t) thread.sample(t * ms, t < 20 || t >= 50);
  thread.sample(101 * ms, false);
  const auto counters = thread.counters();
  ASSERT_EQ(counters.buckets.size(), 1U);
  EXPECT_EQ(counters.buckets[0].second.count, 1U);
  EXPECT_DOUBLE_EQ(counters.buckets[0].second.sum_ns, 30.0 * ms);
  EXPECT_EQ(counters.busy_since_ns, 101 * ms);
  const auto stalls = thread.take_stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].start_ns, 20 * ms);
  EXPECT_EQ(stalls[0].length_ns, 30 * ms);
  EXPECT_TRUE(thread.take_stalls().empty());
  thread.end(105 * ms);
  thread.end(200 * ms);
  EXPECT_EQ(thread.counters().ended_ns, 105 * ms);
  EXPECT_EQ(thread.counters().busy_since_ns, 0U);
}

TEST(sampled_thread, sleeping_twice_in_a_row_ends_a_segment_once_does_not) {
  constexpr std::uint64_t ms = 1'000'000;
  sampled_thread thread(7, "loop", 0);
  for (std::uint64_t t = 1; t <= 60; ++t) {
    thread.sample(t * ms, t < 10 || t >= 50, t == 20 || t == 30 || t == 31);
  }
  const auto stalls = thread.take_stalls();
  ASSERT_EQ(stalls.size(), 2U);
  EXPECT_EQ(stalls[0].start_ns, 10 * ms);
  EXPECT_EQ(stalls[0].length_ns, 39 * ms / 2);
  EXPECT_EQ(stalls[1].start_ns, 59 * ms / 2);
  EXPECT_EQ(stalls[1].length_ns, 41 * ms / 2);
}

TEST(sampled_thread, sleeping_right_before_it_is_parked_is_the_loops_wait) {
  constexpr std::uint64_t ms = 1'000'000;
  sampled_thread thread(7, "loop", 0);
  for (std::uint64_t t = 1; t <= 40; ++t) thread.sample(t * ms, t < 10 || t >= 31, t == 30);
  const auto stalls = thread.take_stalls();
  ASSERT_EQ(stalls.size(), 1U) << "the rest is a millisecond";
  EXPECT_EQ(stalls[0].length_ns, 39 * ms / 2);
  EXPECT_EQ(thread.counters().waits, 2U);
  thread.sample(41 * ms, false, true);
  EXPECT_EQ(thread.counters().busy_since_ns, 41 * ms) << "what was parked has not been busy before";
}

TEST(sampled_thread, what_slept_while_nobody_looked_was_not_busy_for_all_of_it) {
  constexpr std::uint64_t ms = 1'000'000;
  sampled_thread thread(7, "loop", 0);
  for (const std::uint64_t t : {1UL, 2UL, 14UL}) thread.sample(t * ms, false);
  EXPECT_EQ(thread.counters().busy_since_ns, 1 * ms) << "it did not sleep";
  thread.sample(30 * ms, false, true);
  thread.sample(31 * ms, true);
  const auto stalls = thread.take_stalls();
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].length_ns, 13 * ms);
  EXPECT_EQ(thread.counters().waits, 2U);
}

// A thread of this process that waits until it is let go.
class waiting_thread {
 public:
  waiting_thread() : thread_([this] { wait(); }) { tid_.get_future().wait(); }
  ~waiting_thread() { end(); }
  waiting_thread(const waiting_thread&) = delete;
  waiting_thread& operator=(const waiting_thread&) = delete;

  std::uint32_t tid() const { return id_; }
  void end() {
    if (!thread_.joinable()) return;
    let_go_.set_value();
    thread_.join();
  }

 private:
  void wait() {
    id_ = static_cast<std::uint32_t>(::gettid());
    tid_.set_value();
    let_go_.get_future().wait();
  }
  std::uint32_t id_ = 0;
  std::promise<void> tid_;
  std::promise<void> let_go_;
  std::thread thread_;
};

// The counters of a sampled thread once it has ended; nothing when the sampler does not notice.
std::optional<thread_counters> last_counters(syscall_sampler& sampler, std::uint32_t tid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    for (const auto& each : sampler.take()) {
      if (each.counters.tid == tid && each.counters.ended_ns != 0) return each.counters;
    }
    std::this_thread::yield();
  }
  return std::nullopt;
}

TEST(syscall_sampler, threads_that_have_ended_make_room_and_give_back_their_numbers) {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  syscall_sampler sampler;
  std::set<std::uint64_t> generations;
  constexpr std::size_t lives = 2 * syscall_sampler::most_threads + 1;
  for (std::size_t life = 0; life < lives; ++life) {
    waiting_thread thread;
    const auto watched = sampler.watch(pid, thread.tid());
    ASSERT_TRUE(watched) << watched.error();
    ASSERT_TRUE(*watched) << "there is room for thread " << life;
    EXPECT_TRUE(sampler.watches(pid, thread.tid()));
    thread.end();
    const auto ended = last_counters(sampler, thread.tid());
    ASSERT_TRUE(ended) << life;
    generations.insert(ended->generation);
    EXPECT_FALSE(sampler.watches(pid, thread.tid())) << "the number may be another's";
    EXPECT_TRUE(sampler.take().empty()) << "its last is told once";
  }
  EXPECT_EQ(generations.size(), lives) << "threads of one number are told apart";
}

TEST(syscall_sampler, a_thread_that_is_not_there_is_an_error) {
  syscall_sampler sampler;
  const auto watched = sampler.watch(0x7fff'fff0, 1);
  ASSERT_FALSE(watched);
  EXPECT_NE(watched.error().find("/proc/2147483632/task/1/syscall"), std::string::npos);
  EXPECT_TRUE(sampler.take().empty());
}

}  // namespace
}  // namespace assay::inside
