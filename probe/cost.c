// What the library costs the process that carries it: the same work with the library switched off and on, in pairs
// inside one process, so that neither another start nor another moment comes between the two. Prints a line a pair:
// nanoseconds of CPU time off and on, of a wait of a loop that finds something ready; and behind them of a call on a
// socket.
//
// With the argument `allocations` it is the counter of allocations that is measured: of a malloc and its free.
//
// Misuse: starting it without the library. There is no file to switch then; it says so and ends with 2.
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "probe/allocations_format.h"
#include "probe/probe_format.h"

enum {
  pair_count = 100,
  times_of_a_batch = 1000,
  times_of_warm_up = 5000,
};

struct bench {
  int file;
  off_t paused_at;
  bool allocates;
  int epoll;
  int ends[2];
};

static int failed(const char* what) {
  perror(what);
  return 2;
}

static int set_up(struct bench* with) {
  const char* directory = getenv("ASSAY_PROBE_DIR");
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%d.%s", directory == NULL ? "" : directory, (int)getpid(),
           with->allocates ? "alloc" : "probe");
  with->paused_at = with->allocates ? (off_t)offsetof(struct assay_allocations_file, paused)
                                    : (off_t)offsetof(struct assay_probe_file, paused);
  with->file = open(path, O_RDWR | O_CLOEXEC);
  if (with->file < 0) return failed("the preload library's file");
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, with->ends) != 0) return failed("socketpair");
  with->epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  if (with->epoll < 0 || epoll_ctl(with->epoll, EPOLL_CTL_ADD, with->ends[1], &event) != 0) return failed("epoll");
  return 0;
}

static int allocate(const struct bench* with) {
  enum { bytes = 200 };
  (void)with;
  volatile char* made = malloc(bytes);
  if (made == NULL) return failed("malloc");
  made[0] = 1;
  free((void*)made);
  return 0;
}

// There is always a byte left to be read.
static int wait_once(const struct bench* with) {
  struct epoll_event event;
  return epoll_wait(with->epoll, &event, 1, 1000) == 1 ? 0 : failed("epoll_wait");
}

static int call_once(const struct bench* with, int number) {
  char byte = 0;
  const ssize_t moved = number % 2 == 0 ? send(with->ends[0], &byte, 1, 0) : recv(with->ends[1], &byte, 1, 0);
  return moved == 1 ? 0 : failed("a call on a socket");
}

static int call_twice(const struct bench* with) { return call_once(with, 0) != 0 || call_once(with, 1) != 0 ? 2 : 0; }

static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

// What is done so often, and how many of what is told are in it.
struct work {
  int (*once)(const struct bench*);
  int holds;
};

static int batch(const struct bench* with, const struct work* work, uint64_t paused, double* ns) {
  if (pwrite(with->file, &paused, sizeof paused, with->paused_at) != sizeof paused) return failed("the switch");
  const double began = cpu_ns();
  for (int i = 0; i < times_of_a_batch; ++i) {
    if (work->once(with) != 0) return 2;
  }
  *ns = (cpu_ns() - began) / (times_of_a_batch * work->holds);
  return 0;
}

// The order changes from pair to pair.
static int print_pair(const struct bench* with, const struct work* work, int number) {
  double ns[2];  // on, off
  const uint64_t first = (uint64_t)(number % 2);
  if (batch(with, work, first, &ns[first]) != 0 || batch(with, work, 1 - first, &ns[1 - first]) != 0) return 2;
  printf("%.2f %.2f", ns[1], ns[0]);
  return 0;
}

int main(int argc, char** argv) {
  struct bench with = {.allocates = argc == 2 && strcmp(argv[1], "allocations") == 0};
  if (set_up(&with) != 0) return 2;
  static const struct work of_allocations[] = {{allocate, 1}};
  static const struct work of_loops[] = {{wait_once, 1}, {call_twice, 2}};
  const struct work* works = with.allocates ? of_allocations : of_loops;
  const int work_count = with.allocates ? 1 : 2;
  if (send(with.ends[0], "", 1, 0) != 1) return failed("send");
  for (int i = 0; i < times_of_warm_up; ++i) {
    for (int work = 0; work < work_count; ++work) {
      if (works[work].once(&with) != 0) return 2;
    }
  }
  for (int pair = 0; pair < pair_count; ++pair) {
    for (int work = 0; work < work_count; ++work) {
      if (work > 0) putchar(' ');
      if (print_pair(&with, &works[work], pair) != 0) return 2;
    }
    putchar('\n');
  }
  return 0;
}
