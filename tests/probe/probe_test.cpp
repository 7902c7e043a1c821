// Starts itself under the preload library as a small event loop, and reads what the library has written.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <latch>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "lab/inside/environment.hpp"
#include "lab/inside/observer.hpp"
#include "lab/inside/probe_reader.hpp"

namespace assay::inside {
namespace {

constexpr int turns = 60;
constexpr int waits_before_a_loop = 32;
constexpr int slow_ms = 20;

// What the child does. Each returns its exit code: 0 is well.
void turn(int epoll, int count) {
  epoll_event event{};
  for (int i = 0; i < count; ++i) ::epoll_wait(epoll, &event, 1, 0);
}

int loop_that_waits_for_one() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  int ends[2];
  if (::pipe(ends) != 0) return 1;
  turn(epoll, turns);
  pollfd one{ends[0], POLLIN, 0};
  errno = E2BIG;
  if (::poll(&one, 1, slow_ms) != 0 || errno != E2BIG) return 2;
  turn(epoll, 2);
  // A second epoll, as a driver makes it for one query.
  const int second = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  if (::epoll_ctl(second, EPOLL_CTL_ADD, ends[0], &event) != 0) return 3;
  if (::epoll_wait(second, &event, 1, slow_ms) != 0) return 4;
  turn(epoll, 2);
  return 0;
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

// A lock that nobody lets go of, then a pause that a runtime's shim tells of.
int loop_that_is_locked_out() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  sem_t lock;
  if (::sem_init(&lock, 0, 1) != 0 || ::sem_wait(&lock) != 0) return 1;
  const auto until_ns = clock_ns(CLOCK_REALTIME) + slow_ms * 1'000'000U;
  const timespec until{static_cast<time_t>(until_ns / 1'000'000'000U), static_cast<long>(until_ns % 1'000'000'000U)};
  if (::sem_timedwait(&lock, &until) != -1 || errno != ETIMEDOUT) return 2;
  using collected = void (*)(std::uint64_t);
  const auto tell = reinterpret_cast<collected>(::dlsym(RTLD_DEFAULT, "assay_probe_collected"));
  if (tell == nullptr) return 3;
  tell(clock_ns(CLOCK_MONOTONIC) - slow_ms * 1'000'000U);
  tell(clock_ns(CLOCK_MONOTONIC));  // too short to be kept
  return 0;
}

// Copies zeroes until one read takes longer than a slow call: it does not wait for anything.
int reads_for_long(int flags) {
  const int zeroes = ::open("/dev/zero", O_RDONLY | O_CLOEXEC | flags);
  for (std::size_t size = 16U << 20U; size <= (std::size_t{4} << 30U); size *= 2) {
    void* const room = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) return 1;
    turn(::epoll_create1(EPOLL_CLOEXEC), turns);
    const auto began_ns = clock_ns(CLOCK_MONOTONIC);
    if (::read(zeroes, room, size) < 0) return 2;
    const auto took_ns = clock_ns(CLOCK_MONOTONIC) - began_ns;
    ::munmap(room, size);
    if (took_ns > 3 * slow_ms * 1'000'000U) return 0;
  }
  return 3;
}
int reads_without_blocking() { return reads_for_long(O_NONBLOCK); }
int reads_with_blocking() { return reads_for_long(0); }

int worker_with_an_epoll_a_query() {
  for (int i = 0; i < turns; ++i) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    turn(epoll, 2);
    ::close(epoll);
  }
  pollfd none{-1, 0, 0};
  for (int i = 0; i < turns; ++i) ::poll(&none, 1, 0);
  return 0;
}

int errors_pass_through() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  char byte = 0;
  if (::read(-1, &byte, 1) != -1 || errno != EBADF) return 1;
  if (::recv(-1, &byte, 1, 0) != -1 || errno != EBADF) return 2;
  epoll_event event{};
  if (::epoll_wait(-1, &event, 1, 0) != -1 || errno != EBADF) return 3;
  if (::epoll_pwait2(-1, &event, 1, nullptr, nullptr) != -1 || errno != EBADF) return 4;
  if (::fsync(-1) != -1 || errno != EBADF) return 5;
  sockaddr_in nowhere{};
  if (::connect(-1, reinterpret_cast<const sockaddr*>(&nowhere), sizeof nowhere) != -1 || errno != EBADF) return 6;
  addrinfo* found = nullptr;
  if (::getaddrinfo("256.256.256.256", nullptr, nullptr, &found) == 0) return 7;
  return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD ? 0 : 8;
}

int forks() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  const pid_t child = ::fork();
  if (child == 0) {
    turn(epoll, 2 * turns);
    ::_exit(0);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int threads_come_and_go() {
  for (int i = 0; i < 200; ++i) {
    std::thread([] {
      const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
      turn(epoll, turns);
      ::close(epoll);
    }).join();
  }
  return 0;
}

// The loop's own epoll is closed and made again, under the same number: the first loop has ended.
int loop_after_loop() {
  for (int i = 0; i < 2; ++i) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    turn(epoll, turns);
    ::close(epoll);
  }
  return 0;
}

constexpr int pairs = 30;  // of loops; nearly all the places that there are

// Two by two become loops at the same instant, as near as two CPUs can, and none ends before all have.
int loops_at_once() {
  std::latch all(2 * pairs);
  std::vector<std::thread> threads;
  for (int i = 0; i < pairs; ++i) {
    std::atomic<int> arrived{0};
    std::latch begun(2);
    for (int one = 0; one < 2; ++one) {
      threads.emplace_back([&] {
        const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
        turn(epoll, waits_before_a_loop);
        arrived.fetch_add(1);
        while (arrived.load() < 2) std::this_thread::yield();
        turn(epoll, turns);
        begun.count_down();
        all.arrive_and_wait();
      });
    }
    begun.wait();
  }
  for (auto& thread : threads) thread.join();
  return 0;
}

// As programs do that take the limit of descriptors for the size of their sets.
int select_on_sets_at_the_edge() {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* pages = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || ::mprotect(static_cast<char*>(pages) + page, page, PROT_NONE) != 0) return 1;
  auto* last = reinterpret_cast<fd_set*>(static_cast<char*>(pages) + page - sizeof(fd_set));
  timeval none{};
  return ::select(1 << 20, last, nullptr, nullptr, &none) == 0 ? 0 : 2;
}

// Ends as programs do: in the middle of a busy segment.
int ends_while_busy() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  pollfd none{-1, 0, 0};
  ::poll(&none, 1, slow_ms);
  return 0;
}

void on_alarm(int) {
  const int kept = errno;
  pollfd none{-1, 0, 0};
  ::poll(&none, 1, 0);
  errno = kept;
}

int signals_in_the_middle() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  struct sigaction action{};
  action.sa_handler = on_alarm;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval often{{0, 200}, {0, 200}};
  ::setitimer(ITIMER_REAL, &often, nullptr);
  epoll_event event{};
  int interrupted = 0;
  for (int i = 0; i < 500; ++i) interrupted += ::epoll_wait(epoll, &event, 1, 1) < 0 && errno == EINTR;
  return interrupted > 0 ? 0 : 1;
}

// A function's own: the child runs before the globals of this file are there.
int run_child(const std::string& name) {
  static const std::map<std::string, int (*)()> children{
      {"waits", loop_that_waits_for_one},     {"worker", worker_with_an_epoll_a_query},
      {"errors", errors_pass_through},        {"forks", forks},
      {"threads", threads_come_and_go},       {"signals", signals_in_the_middle},
      {"restarts", loop_after_loop},          {"crowd", loops_at_once},
      {"select", select_on_sets_at_the_edge}, {"leaves", ends_while_busy},
      {"locked", loop_that_is_locked_out},    {"busy", reads_without_blocking},
      {"blocked", reads_with_blocking}};
  return children.contains(name) ? children.at(name)() : 126;
}

class probe : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-probe-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Runs this program as one of the children; its process id, or -1 when it did not end with 0.
  pid_t run(const std::string& child) {
    const auto found = find_probe();
    EXPECT_TRUE(found) << found.error();
    const auto variables = environment(*found, directory_, "cpp");
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const auto& [key, value] : variables) ::setenv(key.c_str(), value.c_str(), 1);
      ::setenv("ASSAY_PROBE_CHILD", child.c_str(), 1);
      ::execl("/proc/self/exe", "probe_test", nullptr);
      ::_exit(127);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    return pid;
  }
  probe_reader read(pid_t pid) {
    auto reader = probe_reader::open(path(pid));
    EXPECT_TRUE(reader) << reader.error();
    return std::move(*reader);
  }
  std::string path(pid_t pid) const { return directory_ + "/" + std::to_string(pid) + ".probe"; }
  std::string directory_;
};

TEST_F(probe, a_wait_for_one_thing_is_a_blocking_call_of_the_loop) {
  auto reader = read(run("waits"));
  const auto threads = reader.threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_GE(threads[0].waits, static_cast<std::uint64_t>(turns - 33));
  const auto events = reader.new_events();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.call, "recv (poll)");
    EXPECT_TRUE(event.peer.starts_with("pipe:[")) << event.peer;
    EXPECT_GE(event.length_ns, slow_ms * 990'000U);
    EXPECT_FALSE(event.frames.empty());
  }
  EXPECT_EQ(reader.new_stalls().size(), 2U);  // the segment went on meanwhile
  EXPECT_TRUE(reader.new_events().empty());
}

TEST_F(probe, a_lock_and_a_pause_of_the_collector_are_kept) {
  const auto events = read(run("locked")).new_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].call, "lock");
  EXPECT_EQ(events[1].call, "garbage collection");
  for (const auto& event : events) EXPECT_GE(event.length_ns, slow_ms * 990'000U);
}

TEST_F(probe, a_long_call_on_what_never_blocks_is_no_blocking_call) {
  EXPECT_TRUE(read(run("busy")).new_events().empty());
  EXPECT_FALSE(read(run("blocked")).new_events().empty());
}

TEST_F(probe, a_worker_with_an_epoll_a_query_is_no_loop) { EXPECT_TRUE(read(run("worker")).threads().empty()); }

TEST_F(probe, results_and_errno_pass_through) { EXPECT_EQ(read(run("errors")).threads().size(), 1U); }

TEST_F(probe, a_child_of_fork_has_its_own_file) {
  const auto parent = run("forks");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const auto reader = probe_reader::open(entry.path().string());
    ASSERT_TRUE(reader) << reader.error();
    const auto threads = reader->threads();
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_EQ(threads[0].tid, reader->pid());
    EXPECT_EQ(static_cast<pid_t>(reader->pid()) == parent, threads[0].waits < turns);
    ++files;
  }
  EXPECT_EQ(files, 2);
}

TEST_F(probe, threads_that_end_leave_their_places) {
  for (const auto& thread : read(run("threads")).threads()) EXPECT_NE(thread.ended_ns, 0U);
}

TEST_F(probe, loops_that_begin_at_the_same_moment_have_a_place_each) {
  for (int i = 0; i < 3; ++i) {
    const auto threads = read(run("crowd")).threads();
    std::set<std::uint32_t> tids;
    for (const auto& thread : threads) {
      tids.insert(thread.tid);
      EXPECT_EQ(thread.waits, static_cast<std::uint64_t>(turns));
    }
    EXPECT_EQ(threads.size(), static_cast<std::size_t>(2 * pairs));
    EXPECT_EQ(tids.size(), static_cast<std::size_t>(2 * pairs));
  }
}

TEST_F(probe, a_loop_after_a_loop_of_the_same_thread_is_another) {
  const auto threads = read(run("restarts")).threads();
  ASSERT_EQ(threads.size(), 2U);
  EXPECT_EQ(threads[0].tid, threads[1].tid);
  EXPECT_NE(threads[0].generation, threads[1].generation);
}

TEST_F(probe, select_looks_no_further_than_its_sets) { run("select"); }

TEST_F(probe, a_process_that_ended_is_not_away_for_ever) {
  const instant begin = observer::now();
  run("leaves");
  observer watching({.root_pids = [] { return std::vector<std::uint32_t>{}; },
                     .probe_directory = directory_,
                     .port_names = {},
                     .runtime = "cpp",
                     .stall_threshold_ms = slow_ms});
  ASSERT_TRUE(watching.start(begin));
  const auto seen = watching.finish({{"all", begin, observer::now()}});
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_LT(seen->lag.at(0).utilisation, 0.5);
  EXPECT_TRUE(seen->events.empty()) << seen->events.at(0).text;
}

TEST_F(probe, signals_in_the_middle_of_a_wait_do_no_harm) {
  const auto threads = read(run("signals")).threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_GE(threads[0].waits, 500U);
}

TEST_F(probe, what_is_no_probe_file_is_an_error) {
  EXPECT_FALSE(probe_reader::open(path(1)));
  std::ofstream(path(2)) << "short";
  EXPECT_FALSE(probe_reader::open(path(2)));
  ASSERT_EQ(::mkfifo(path(4).c_str(), 0600), 0);
  EXPECT_FALSE(probe_reader::open(path(4))) << "and nobody waits for its other end";
  std::ofstream(path(3)).close();
  std::filesystem::resize_file(path(3), sizeof(assay_probe_file));
  const auto empty = probe_reader::open(path(3));
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().find("magic"), std::string::npos);
}

// Before main, which is GoogleTest's own.
__attribute__((constructor)) void child_runs_instead() {
  if (const char* child = std::getenv("ASSAY_PROBE_CHILD")) std::_Exit(run_child(child));
}

}  // namespace
}  // namespace assay::inside
