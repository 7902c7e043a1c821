// The children that meet every call that may block, and those that fork in the middle of one.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>

#include "tests/probe/probe_children.hpp"

namespace assay::inside {
namespace {

// Of own_library.c.
int* knob(const char* name) { return static_cast<int*>(::dlsym(RTLD_DEFAULT, name)); }

pid_t forked_in_handler = -1;
void on_alarm_fork(int) {
  const int kept = errno;
  forked_in_handler = ::fork();
  errno = kept;
}

int listening() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0 && ::listen(socket, 1) == 0 ? socket
                                                                                                                : -1;
}

// Whose end is nothing to wait for here.
bool accepts_late(std::thread& client) {
  const int listener = listening();
  sockaddr_in here{};
  socklen_t length = sizeof here;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&here), &length) != 0) return false;
  client = std::thread([here] {
    lets_wait(::getpid());
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::connect(socket, reinterpret_cast<const sockaddr*>(&here), sizeof here);
    ::close(socket);
  });
  return ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) >= 0;
}

bool waits_for_a_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    lets_wait(::getppid());
    ::_exit(7);
  }
  int status = 0;
  return ::wait(&status) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

bool waits_for_a_thread() {
  std::thread late([] { lets_wait(::getpid()); });
  late.join();
  return true;
}

timespec soon(clockid_t clock) {
  const auto until_ns = clock_ns(clock) + slow_ms * 1'000'000U;
  return {static_cast<time_t>(until_ns / 1'000'000'000U), static_cast<long>(until_ns % 1'000'000'000U)};
}

// Of another thread's, all of them: three that nobody lets go of in time, then one that it does.
bool waits_for_others_locks() {
  pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  for (int i = 0; i < turns; ++i) {
    if (::pthread_rwlock_rdlock(&shared) != 0 || ::pthread_rwlock_unlock(&shared) != 0) return false;
  }
  std::atomic<int> stage{0};
  std::thread holder([&] {
    ::pthread_rwlock_wrlock(&shared);
    ::pthread_mutex_lock(&mutex);
    stage.store(1);
    while (stage.load() != 2) std::this_thread::yield();
    lets_wait(::getpid());
    ::pthread_rwlock_unlock(&shared);
    ::pthread_mutex_unlock(&mutex);
  });
  while (stage.load() != 1) std::this_thread::yield();
  const timespec first = soon(CLOCK_REALTIME);
  bool well = ::pthread_mutex_timedlock(&mutex, &first) == ETIMEDOUT;
  const timespec second = soon(CLOCK_MONOTONIC);
  well = ::pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &second) == ETIMEDOUT && well;
  const timespec third = soon(CLOCK_REALTIME);
  well = ::pthread_rwlock_timedrdlock(&shared, &third) == ETIMEDOUT && well;
  stage.store(2);
  well = ::pthread_rwlock_wrlock(&shared) == 0 && well;
  holder.join();
  return well;
}

}  // namespace

// A signal comes before each of the clock readings of a wait in turn, and its handler forks: the child returns into the
// middle of it, and goes on.
int forks_in_the_middle() {
  int* const readings = knob("own_clock_readings");
  if (readings == nullptr) return 1;
  struct sigaction action{};
  action.sa_handler = on_alarm_fork;
  ::sigaction(SIGALRM, &action, nullptr);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  turn(epoll, turns);
  for (int reading = 1; reading <= 4; ++reading) {
    forked_in_handler = -1;
    *readings = reading;
    turn(epoll, turns);
    if (forked_in_handler == 0) ::_exit(0);
    int status = 0;
    if (forked_in_handler < 0 || ::waitpid(forked_in_handler, &status, 0) != forked_in_handler || status != 0) return 2;
  }
  return 0;
}

int waits_for_others() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  std::thread client;
  if (!accepts_late(client)) return 1;
  if (!waits_for_a_child()) return 2;
  if (!waits_for_a_thread()) return 3;
  if (!waits_for_others_locks()) return 4;
  client.join();
  return 0;
}

// On a file system that takes its time for everything.
int has_slow_files() {
  turn(::epoll_create1(EPOLL_CLOEXEC), turns);
  int* const slow = knob("own_slow_calls");
  if (slow == nullptr) return 1;
  const std::string path = std::string(::getenv("ASSAY_PROBE_DIR")) + "/slow.txt";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const int copy = ::open((path + ".copy").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char text[] = "four";
  iovec piece{text, 4};
  *slow = 1;
  if (::pwritev(file, &piece, 1, 0) != 4 || ::preadv(file, &piece, 1, 1) != 3) return 2;
  if (::preadv(-1, &piece, 1, 0) != -1 || errno != EBADF) return 3;
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0 || about.st_size != 4) return 4;
  if (::stat((path + "/no").c_str(), &about) != -1 || errno != ENOTDIR) return 5;
  off_t at = 0;
  if (::sendfile(copy, file, &at, 4) != 4) return 6;
  loff_t from = 0;
  loff_t to = 4;
  if (::copy_file_range(file, &from, copy, &to, 4, 0) != 4) return 7;
  if (::rename(path.c_str(), (path + ".new").c_str()) != 0 || ::unlink((path + ".new").c_str()) != 0) return 8;
  return ::unlink(path.c_str()) == -1 && errno == ENOENT ? 0 : 9;
}

}  // namespace assay::inside
