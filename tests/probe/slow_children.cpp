// The children that wait for what another thread or process holds.
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>

#include "lab/inside/proc.hpp"
#include "tests/probe/probe_children.hpp"

namespace assay::inside {
// Until the first thread of that process has fallen asleep in what it waits for, and a while longer.
void lets_wait(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  for (;;) {
    const auto text = read_text(path);
    const auto stat = text ? parse_stat(*text) : std::nullopt;
    if (!stat || stat->state == 'S') break;
    std::this_thread::yield();
  }
  pollfd none{-1, 0, 0};
  ::poll(&none, 1, slow_ms);
}

// A stretch that computes, then one that sleeps in a call of the system's own, past every wrapper.
int is_away_twice() {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  const auto until_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) + 2 * slow_ms * 1'000'000U;
  while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until_ns) {
  }
  turn(epoll, 1);
  timespec slow{0, 2 * slow_ms * 1'000'000L};
  if (::syscall(SYS_ppoll, nullptr, 0, &slow, nullptr, 0) != 0) return 1;
  turn(epoll, 1);
  return 0;
}

// A mutex that another thread holds, a condition that nobody signals. What is free costs no event.
int waits_for_locks() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  for (int i = 0; i < turns; ++i) {
    if (::pthread_mutex_lock(&mutex) != 0 || ::pthread_mutex_unlock(&mutex) != 0) return 1;
  }
  std::atomic<bool> held{false};
  std::thread holder([&mutex, &held] {
    ::pthread_mutex_lock(&mutex);
    held.store(true);
    lets_wait(::getpid());
    ::pthread_mutex_unlock(&mutex);
  });
  while (!held.load()) std::this_thread::yield();
  const int locked = ::pthread_mutex_lock(&mutex);
  holder.join();
  if (locked != 0) return 2;
  pthread_cond_t never = PTHREAD_COND_INITIALIZER;
  const auto until_ns = clock_ns(CLOCK_REALTIME) + slow_ms * 1'000'000U;
  const timespec until{static_cast<time_t>(until_ns / 1'000'000'000U), static_cast<long>(until_ns % 1'000'000'000U)};
  if (::pthread_cond_timedwait(&never, &mutex, &until) != ETIMEDOUT) return 3;
  pthread_mutex_t careful;
  pthread_mutexattr_t checked;
  ::pthread_mutexattr_init(&checked);
  ::pthread_mutexattr_settype(&checked, PTHREAD_MUTEX_ERRORCHECK);
  ::pthread_mutex_init(&careful, &checked);
  return ::pthread_mutex_lock(&careful) == 0 && ::pthread_mutex_lock(&careful) == EDEADLK ? 0 : 4;
}

// As std::atomic and locks of other languages wait. Each argument and errno come through.
int waits_by_the_system_call() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  std::uint32_t word = 0;
  timespec soon{0, slow_ms * 1'000'000L};
  if (::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &soon, nullptr, 0) != -1 || errno != EAGAIN) return 1;
  if (::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &soon, nullptr, 0) != -1 || errno != ETIMEDOUT) return 2;
  constexpr auto any = FUTEX_BITSET_MATCH_ANY;
  const auto until_ns = clock_ns(CLOCK_MONOTONIC) + slow_ms * 1'000'000U;
  soon = {static_cast<time_t>(until_ns / 1'000'000'000U), static_cast<long>(until_ns % 1'000'000'000U)};
  if (::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 0, &soon, nullptr, any) != -1 || errno != ETIMEDOUT) return 3;
  if (::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1) != 0) return 4;
  const int zeroes = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  // The last of six says where to begin: not at a whole page.
  if (::syscall(SYS_mmap, nullptr, 4096, PROT_READ, MAP_PRIVATE, zeroes, 1) != -1 || errno != EINVAL) return 5;
  return ::syscall(SYS_getpid) == ::getpid() ? 0 : 6;
}

// Opens a FIFO that nobody writes to yet.
template <typename Open>
bool opens_late(const std::string& fifo, Open open) {
  if (::mkfifo(fifo.c_str(), 0600) != 0) return false;
  const pid_t child = ::fork();
  if (child == 0) {
    lets_wait(::getppid());
    ::_exit(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC) < 0);
  }
  if (!open(fifo.c_str())) return false;
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

// Then what else the calls with further arguments must hand on.
int opens_what_is_slow() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  const std::string fifo = std::string(::getenv("ASSAY_PROBE_DIR")) + "/fifo";
  ::umask(0);
  if (!opens_late(fifo, [](const char* path) { return ::open(path, O_RDONLY | O_CLOEXEC) >= 0; })) return 1;
  if (!opens_late(fifo + ".stdio", [](const char* path) { return ::fopen(path, "re") != nullptr; })) return 2;
  if (::fopen((fifo + "/no").c_str(), "re") != nullptr || errno != ENOTDIR) return 3;
  if (::open((fifo + "/no").c_str(), O_RDONLY | O_CLOEXEC) != -1 || errno != ENOTDIR) return 4;
  const int made = ::open((fifo + ".made").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  struct stat about{};
  if (::fstat(made, &about) != 0 || (about.st_mode & 0777U) != 0640) return 5;
  return ::fcntl(made, F_GETFD) == FD_CLOEXEC && ::fcntl(made, F_DUPFD, 100) >= 100 ? 0 : 6;
}

}  // namespace assay::inside
