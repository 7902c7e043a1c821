// The recording half of the preload library: which threads are loops, their busy segments, their blocking calls.
//
// Misuse: calling anything here without the caller's errno kept: the wrappers save it before and restore it after; and
// allocating, or taking a lock that the program may hold, on the way of a call that was quick.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include "probe/probe_format.h"

// How a wait of the poll family counts on this thread.
enum wait_role {
  wait_ignored,   // no loop thread, or not yet
  wait_of_loop,   // ends a busy segment
  wait_blocking,  // a loop thread waits for one thing: the segment goes on
};

// What a thread has used up to a moment.
struct probe_usage {
  uint64_t at_ns;  // 0: not known
  uint64_t cpu_ns;
  uint64_t waits;  // of its loop, those that slept
  uint32_t slept;
  uint32_t preempted;
  uint32_t major_faults;
};

// The state of the calling thread. Initial-exec, so that reading it is one instruction.
struct probe_thread {
  struct assay_probe_slot* slot;  // not NULL: a loop thread
  uint64_t busy_since_ns;
  struct probe_usage used;
  uint64_t sleeps;       // waits of its loop that lasted long enough to have slept
  uint64_t calls;        // that were timed since it is a loop
  uint32_t fresh_waits;  // on fresh_epoll
  uint32_t wide_polls;   // polls on three descriptors or more
  int fresh_epoll;       // the epoll descriptor this thread made last and has not used for long; -1: none
  int fresh_member;      // what was added to it last
  int home_epoll;        // the one its loop waits on; -1: not known
  bool epoll_loop;
  bool refused;  // all slots are taken
  bool inside;   // in the library: what it calls itself passes through
};
extern _Thread_local struct probe_thread probe_self;
extern struct assay_probe_file* probe_file;  // NULL: none
extern bool probe_enabled;
extern uint64_t probe_threshold_ns;
extern const uint64_t* probe_paused;  // in the file, never NULL

static inline uint64_t probe_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline bool probe_is_paused(void) { return __atomic_load_n(probe_paused, __ATOMIC_RELAXED) != 0; }

// True when calls of this thread are timed.
static inline bool probe_watches(void) { return probe_self.slot != NULL && !probe_self.inside && !probe_is_paused(); }

enum wait_role probe_epoll_role(int epoll);
enum wait_role probe_poll_role(unsigned descriptors);
void probe_epoll_made(int epoll);

void probe_segment_ends(uint64_t now_ns);
void probe_segment_begins(uint64_t waited_since_ns, bool zero_timeout, int ready);

#define STORE(place, value) __atomic_store_n(&(place), (value), __ATOMIC_RELAXED)

// Sees to it that this part of the file has its blocks: on a full disk a hole that is written to would end the service
// by SIGBUS. False: it must not be written to.
bool probe_backed(void* place, size_t bytes);

// What a blocking call was about; at most one of the four.
struct probe_subject {
  int descriptor;  // -1: none
  const struct sockaddr* address;
  socklen_t address_length;
  const char* host;
  const char* path;  // that it opens, or asks about
  bool copies;       // to the descriptor, from `source`
  int source;
};
// events.c. Cheap when the call was shorter than the threshold.
void probe_call_returned(enum assay_probe_call call, uint64_t start_ns, struct probe_subject subject);
// Shorter waits for a lock than 10 ms are none.
void probe_lock_returned(uint64_t start_ns);
bool probe_has_stack_hook(void);
// For the runtime's shim, on the thread that its collector has held since `start_ns` of CLOCK_MONOTONIC.
__attribute__((visibility("default"))) void assay_probe_collected(uint64_t start_ns);

// python_stack.c: what a descriptor that nobody has open stands for while CPython tells its stack.
enum { probe_captured = 0x7fffffff };
ssize_t probe_capture(const void* data, size_t count);

// describe.c: fills kind and peer.
void probe_describe(struct assay_probe_event* event, struct probe_subject subject);
