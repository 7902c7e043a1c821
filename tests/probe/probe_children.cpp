#include "tests/probe/probe_children.hpp"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "probe/probe_format.h"

namespace assay::inside {
namespace {

// What the child does. Each returns its exit code: 0 is well.
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

// The child runs in the parent's memory until it has become another program; what it does there is counted for the
// loop.
int vforks() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  for (int i = 0; i < vforked; ++i) {
    const pid_t child = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): as launchers do
    if (child == 0) {
      pollfd none{-1, 0, 0};
      if (i == 0) ::poll(&none, 1, slow_ms);
      ::execl("/bin/true", "true", nullptr);
      ::_exit(127);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0) return 1;
    turn(epoll, 1);
  }
  return 0;
}

// A loop, then another program that is none: under the same number.
int becomes_another() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  ::setenv("ASSAY_PROBE_CHILD", "worker", 1);
  ::execl("/proc/self/exe", "probe_test", nullptr);
  return 1;
}

int pipe_to_close = -1;
void on_alarm_close(int) { ::close(pipe_to_close); }

// The descriptor that is waited for is closed meanwhile, then all of them: the library has none of its own to lose.
int loses_its_descriptors() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  int ends[2];
  if (::pipe(ends) != 0) return 1;
  pipe_to_close = ends[0];
  struct sigaction action{};
  action.sa_handler = on_alarm_close;
  ::sigaction(SIGALRM, &action, nullptr);
  const itimerval once{{0, 0}, {0, slow_ms * 1000}};
  ::setitimer(ITIMER_REAL, &once, nullptr);
  pollfd one{ends[0], POLLIN, 0};
  if (::poll(&one, 1, -1) != -1 || errno != EINTR) return 2;
  if (::close_range(0, ~0U, 0) != 0) return 3;
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  return 0;
}

// As servers do that begin as root: from then on nothing can be written beside the file that is there.
int drops_its_privileges() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  const unsigned user = ::geteuid() == 0 ? nobody : ::geteuid();
  if ((user == nobody && ::setgid(nobody) != 0) || ::setuid(user) != 0) return 1;
  const pid_t child = ::fork();
  turn(epoll, turns);
  if (child == 0) ::_exit(0);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0 ? 0 : 2;
}

// Beside a library of the program's own that stands in front of the same call.
int has_its_own_library() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  const auto* own = static_cast<const unsigned*>(::dlsym(RTLD_DEFAULT, "own_reads"));
  if (own == nullptr) return 1;
  const unsigned before = *own;
  char byte = 0;
  if (::read(-1, &byte, 1) != -1 || errno != EBADF) return 2;
  return *own == before + 1 ? 0 : 3;
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
  for (int i = 0; i < threads_in_a_row; ++i) {
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

// A loop that is switched off for a while: it goes on, nothing of that is counted, nor what the pause began in.
int switches_off_and_on() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  const std::string path = std::string(::getenv("ASSAY_PROBE_DIR")) + "/" + std::to_string(::getpid()) + ".probe";
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const auto pause = [file](std::uint64_t value) {
    return ::pwrite(file, &value, sizeof value, offsetof(assay_probe_file, paused)) == sizeof value;
  };
  if (!pause(1)) return 1;
  pollfd none{-1, 0, 0};
  ::poll(&none, 1, slow_ms);  // in the segment that was begun
  turn(epoll, 10 * turns);
  ::poll(&none, 1, slow_ms);
  if (!pause(0)) return 2;
  turn(epoll, turns);
  ::poll(&none, 1, slow_ms);
  turn(epoll, 1);
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

}  // namespace

void turn(int epoll, int count) {
  epoll_event event{};
  for (int i = 0; i < count; ++i) ::epoll_wait(epoll, &event, 1, 0);
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

// A function's own: the child runs before the globals of this file are there.
int run_child(const std::string& name) {
  static const std::map<std::string, int (*)()> children{{"waits", loop_that_waits_for_one},
                                                         {"worker", worker_with_an_epoll_a_query},
                                                         {"errors", errors_pass_through},
                                                         {"forks", forks},
                                                         {"threads", threads_come_and_go},
                                                         {"signals", signals_in_the_middle},
                                                         {"restarts", loop_after_loop},
                                                         {"crowd", loops_at_once},
                                                         {"select", select_on_sets_at_the_edge},
                                                         {"leaves", ends_while_busy},
                                                         {"locked", loop_that_is_locked_out},
                                                         {"busy", reads_without_blocking},
                                                         {"blocked", reads_with_blocking},
                                                         {"switched", switches_off_and_on},
                                                         {"vforks", vforks},
                                                         {"execs", becomes_another},
                                                         {"closes", loses_its_descriptors},
                                                         {"drops", drops_its_privileges},
                                                         {"preloads", has_its_own_library},
                                                         {"contends", waits_for_locks},
                                                         {"futex", waits_by_the_system_call},
                                                         {"opens", opens_what_is_slow},
                                                         {"away", is_away_twice},
                                                         {"allocates", allocates},
                                                         {"forks_inside", forks_in_the_middle},
                                                         {"waits_for_others", waits_for_others},
                                                         {"slow_files", has_slow_files}};
  return children.contains(name) ? children.at(name)() : 126;
}

}  // namespace assay::inside
