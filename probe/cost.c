// What the library costs the process that carries it: the same turns of a loop with the library switched off and on, in
// pairs inside one process, so that neither another start nor another moment comes between the two. Prints a line a
// pair: nanoseconds of CPU time a turn, off and on.
//
// A turn is what a server does for a request at the least: one wait of epoll, and four calls on sockets. With the
// argument `allocations` it is the counter of allocations that is measured, and a turn is a malloc and its free.
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
  turns_of_a_batch = 400,
  turns_of_warm_up = 5000,
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

static int allocate(void) {
  enum { bytes = 200 };
  volatile char* made = malloc(bytes);
  if (made == NULL) return failed("malloc");
  made[0] = 1;
  free((void*)made);
  return 0;
}

static int turn(const struct bench* with) {
  if (with->allocates) return allocate();
  char byte = 0;
  struct epoll_event event;
  const int there = with->ends[0];
  const int here = with->ends[1];
  return send(there, &byte, 1, 0) == 1 && epoll_wait(with->epoll, &event, 1, 1000) == 1 &&
                 recv(here, &byte, 1, 0) == 1 && send(here, &byte, 1, 0) == 1 && recv(there, &byte, 1, 0) == 1
             ? 0
             : failed("a turn");
}

static double cpu_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int batch(const struct bench* with, uint64_t paused, double* ns_a_turn) {
  if (pwrite(with->file, &paused, sizeof paused, with->paused_at) != sizeof paused) {
    return failed("the switch");
  }
  const double began = cpu_ns();
  for (int i = 0; i < turns_of_a_batch; ++i) {
    if (turn(with) != 0) return 2;
  }
  *ns_a_turn = (cpu_ns() - began) / turns_of_a_batch;
  return 0;
}

int main(int argc, char** argv) {
  struct bench with = {.allocates = argc == 2 && strcmp(argv[1], "allocations") == 0};
  if (set_up(&with) != 0) return 2;
  for (int i = 0; i < turns_of_warm_up; ++i) {
    if (turn(&with) != 0) return 2;
  }
  for (int pair = 0; pair < pair_count; ++pair) {
    double ns[2];  // on, off
    const uint64_t first = pair % 2;
    if (batch(&with, first, &ns[first]) != 0 || batch(&with, 1 - first, &ns[1 - first]) != 0) return 2;
    printf("%.1f %.1f\n", ns[1], ns[0]);
  }
  return 0;
}
