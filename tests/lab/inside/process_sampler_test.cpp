#include "lab/inside/process_sampler.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <functional>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

const auto self = static_cast<std::uint32_t>(::getpid());

// A thread that has done that, and lives until it is let go.
class living_thread {
 public:
  explicit living_thread(std::function<void()> work)
      : thread_([this, work = std::move(work)] {
          work();
          ready_.count_down();
          let_go_.wait();
        }) {
    ready_.wait();
  }
  ~living_thread() {
    let_go_.count_down();
    thread_.join();
  }
  living_thread(const living_thread&) = delete;
  living_thread& operator=(const living_thread&) = delete;

 private:
  std::latch ready_{1};
  std::latch let_go_{1};
  std::thread thread_;
};

constexpr long waits = 60;

void wait_often() {
  rusage used{};
  while (used.ru_nvcsw < waits) {
    ::poll(nullptr, 0, 1);  // each is a wait
    ::getrusage(RUSAGE_THREAD, &used);
  }
}

constexpr long used_ns = 20'000'000;

void compute_as(std::string_view name) {
  ::pthread_setname_np(::pthread_self(), std::string(name).c_str());
  timespec used{};
  while (used.tv_nsec < used_ns && used.tv_sec == 0) ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
}

TEST(thread_totals, keep_what_threads_that_ended_have_used) {
  thread_totals totals;
  totals.look({{1, {.wait_ns = 10, .voluntary = 5}}, {2, {.wait_ns = 7, .voluntary = 3}}});
  totals.look({{1, {.wait_ns = 11, .voluntary = 6}}, {3, {.wait_ns = 2, .voluntary = 1, .involuntary = 4}}});
  EXPECT_EQ(totals.sum().wait_ns, 20U);
  EXPECT_EQ(totals.sum().voluntary, 10U);
  EXPECT_EQ(totals.sum().involuntary, 4U);
  totals.look({{1, {.wait_ns = 11, .voluntary = 6}}, {3, {.wait_ns = 1, .voluntary = 2, .involuntary = 9}}});
  EXPECT_EQ(totals.sum().wait_ns, 21U) << "its waits fell: 3 is another thread";
  EXPECT_EQ(totals.sum().involuntary, 13U);
}

TEST(soft_limit, is_the_first_number_behind_the_whole_name) {
  const std::string text =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max processes             unlimited            96365                processes \n"
      "Max open files            1024                 20000                files     \n";
  EXPECT_EQ(soft_limit(text, "Max open files"), 1024U);
  EXPECT_FALSE(soft_limit(text, "Max processes"));
  EXPECT_FALSE(soft_limit(text, "Max open"));
  EXPECT_FALSE(soft_limit(text, "Max address space"));
  EXPECT_FALSE(soft_limit("Max open files", "Max open files"));
}

TEST(process_sampler, sees_this_process_and_never_falls) {
  EXPECT_TRUE(process_tree({self}).contains(self));
  process_sampler sampler;
  const auto first = sampler.sample({self}, 1);
  EXPECT_EQ(first.processes, 1U);
  EXPECT_GE(first.threads, 1U);
  EXPECT_GE(first.descriptors, 3U);
  EXPECT_GT(first.rss_bytes, first.anonymous_bytes);
  EXPECT_GT(first.anonymous_bytes, 0U);
  EXPECT_GT(first.read_bytes, 0U);
  EXPECT_GT(first.read_calls, 0U);
  const auto gone = sampler.sample({}, 2);
  EXPECT_EQ(gone.processes, 0U);
  EXPECT_EQ(gone.rss_bytes, 0U);
  EXPECT_GE(gone.cpu_s, first.cpu_s);
  EXPECT_GE(gone.voluntary_switches, first.voluntary_switches);
  EXPECT_GE(gone.read_bytes, first.read_bytes);
}

// As many live at each look: the sum over the living stands still.
TEST(process_sampler, counts_on_where_threads_come_and_go) {
  process_sampler sampler;
  constexpr int rounds = 4;
  std::uint64_t before = 0;
  std::uint64_t after = 0;
  for (int i = 0; i < rounds; ++i) {
    const living_thread thread(wait_often);
    after = sampler.sample({self}, i).voluntary_switches;
    if (i == 0) before = after;
  }
  EXPECT_GE(after - before, static_cast<std::uint64_t>((rounds - 1) * waits));
}

TEST(process_sampler, tells_what_the_shims_threads_use_also_when_they_have_ended) {
  constexpr double used_s = used_ns * 1e-9;
  process_sampler sampler;
  {
    const living_thread programs([] { compute_as("assay-other"); });
    sampler.sample({self}, 1);
    EXPECT_EQ(sampler.shim_cpu_s(), 0);
  }
  {
    const living_thread shims([] { compute_as(shim_thread_name); });
    sampler.sample({self}, 2);
    EXPECT_GE(sampler.shim_cpu_s(), used_s * 0.9);
  }
  sampler.sample({self}, 3);
  EXPECT_GE(sampler.shim_cpu_s(), used_s * 0.9);
  sampler.sample({}, 4);
  EXPECT_GE(sampler.shim_cpu_s(), used_s * 0.9);
}

TEST(process_sampler, tells_descriptors_by_kind) {
  process_sampler sampler;
  const auto before = sampler.sample({self}, 1);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const int event = ::eventfd(0, EFD_CLOEXEC);
  const int file = ::open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const auto after = sampler.sample({self}, 2);
  for (const int each : {pipe[0], pipe[1], event, file}) ::close(each);
  EXPECT_EQ(after.pipes, before.pipes + 2);
  EXPECT_EQ(after.eventfds, before.eventfds + 1);
  EXPECT_EQ(after.files, before.files + 1);
  EXPECT_EQ(after.other_descriptors, before.other_descriptors);
  EXPECT_EQ(after.descriptors, before.descriptors + 4);
  EXPECT_EQ(after.descriptors, after.files + after.pipes + after.sockets + after.eventfds + after.other_descriptors);
}

TEST(process_sampler, pss_and_limits_are_told_every_few_seconds_and_held_meanwhile) {
  process_sampler sampler;
  const auto first = sampler.sample({self}, 1);
  EXPECT_GT(first.pss_bytes, 0U);
  EXPECT_LE(first.pss_bytes, 2 * first.rss_bytes);
  EXPECT_EQ(sampler.unreadable(), "");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(sampler.limits().descriptors.limit, limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur);
  EXPECT_EQ(sampler.limits().descriptors.used, first.descriptors);
  const std::string more(8 << 20, 'x');
  EXPECT_EQ(sampler.sample({self}, 2).pss_bytes, first.pss_bytes);
  EXPECT_GT(sampler.sample({self}, 1 + process_sampler::thorough_every_s).pss_bytes, first.pss_bytes + more.size() / 2);
}

TEST(process_sampler, says_what_it_may_not_read) {
  constexpr uid_t nobody = 65'534;
  const pid_t child = ::fork();
  if (child == 0) {
    // Another user's process: of root's the first one, which is root's.
    if (::getuid() == 0 && ::setuid(nobody) != 0) ::_exit(2);
    process_sampler sampler;
    const auto seen = sampler.sample({1}, 1);
    const bool told = sampler.unreadable().starts_with("process 1: its PSS and I/O are not shown");
    ::_exit(told && seen.processes == 1 && seen.pss_bytes == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace assay::inside
