#define _GNU_SOURCE
#include "probe/record.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14, glibc 2.35 */
#endif

// A driver may make an epoll for one query and wait on it a few times: only lasting use makes a loop.
enum { waits_of_a_loop = 32 };
#define DEFAULT_THRESHOLD_US 5000
#define USAGE_PERIOD_NS UINT64_C(5000000) /* shorter than any stall: each is followed by a look */
#define ASLEEP_NS UINT64_C(10000)         /* a wait that finds something ready is over in a few microseconds */
#define LONGEST_THRESHOLD_US UINT64_C(60000000)
_Thread_local struct probe_thread probe_self = {.fresh_epoll = -1, .fresh_member = -1, .home_epoll = -1};
bool probe_enabled = false;
uint64_t probe_threshold_ns = DEFAULT_THRESHOLD_US * UINT64_C(1000);

static const uint64_t not_paused = 0;
const uint64_t* probe_paused = &not_paused;

struct assay_probe_file* probe_file = NULL;
static bool all_backed = false;  // the file has had its blocks since it was made
static pthread_key_t thread_end;
static bool has_thread_end = false;

static void slot_opens(struct assay_probe_slot* slot) {
  STORE(slot->sequence, slot->sequence + 1);
  __atomic_thread_fence(__ATOMIC_RELEASE);
}
static void slot_closes(struct assay_probe_slot* slot) {
  __atomic_store_n(&slot->sequence, slot->sequence + 1, __ATOMIC_RELEASE);
}

bool probe_backed(void* place, size_t bytes) {
  if (all_backed) return true;
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  const uintptr_t begin = (uintptr_t)place & ~(page - 1);
  const int kept = errno;
  const bool backed = madvise((void*)begin, (uintptr_t)place + bytes - begin, MADV_POPULATE_WRITE) == 0;
  errno = kept;
  return backed;
}

// Most processes are no loops, and write its head alone: the rest is a hole until it is needed. A kernel that gives no
// blocks by the mapping (before 5.14) gives them all at once.
static bool has_blocks(struct assay_probe_file* mapped, int fd) {
  all_backed = false;
  if (probe_backed(mapped, offsetof(struct assay_probe_file, slots))) return true;
  all_backed = posix_fallocate(fd, 0, sizeof *mapped) == 0;
  return all_backed;
}

// A new file under its name at once: a reader sees it whole or not at all, also when an exec replaces an older one.
static struct assay_probe_file* create_file(const char* directory, int pid) {
  char path[PATH_MAX];
  char fresh[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%d.probe", directory, pid) >= (int)sizeof path) return NULL;
  if (snprintf(fresh, sizeof fresh, "%s/%d.new", directory, pid) >= (int)sizeof fresh) return NULL;
  int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return NULL;
  struct assay_probe_file* mapped = MAP_FAILED;
  if (ftruncate(fd, sizeof *mapped) == 0) {
    mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (mapped != MAP_FAILED && !has_blocks(mapped, fd)) {
    munmap(mapped, sizeof *mapped);
    mapped = MAP_FAILED;
  }
  close(fd);
  if (mapped == MAP_FAILED) {
    unlink(fresh);
    return NULL;
  }
  mapped->version = ASSAY_PROBE_VERSION;
  mapped->pid = (uint32_t)pid;
  mapped->file_bytes = sizeof *mapped;
  mapped->started_ns = probe_now();
  mapped->threshold_ns = probe_threshold_ns;
  mapped->has_stack_hook = probe_has_stack_hook();
  __atomic_store_n(&mapped->magic, ASSAY_PROBE_MAGIC, __ATOMIC_RELEASE);
  if (rename(fresh, path) != 0) {
    unlink(fresh);
    munmap(mapped, sizeof *mapped);
    return NULL;
  }
  return mapped;
}

static void open_file(void) {
  const char* directory = secure_getenv("ASSAY_PROBE_DIR");
  if (directory == NULL || directory[0] != '/') return;
  probe_file = create_file(directory, getpid());
  probe_enabled = probe_file != NULL;
  if (probe_file != NULL) probe_paused = &probe_file->paused;
}

// The handler of a signal may fork in the middle of anything here: what has a place in the parent's file at that moment
// goes on to write to it. It finds memory of its own there, which is never given back: such a child may fork once more
// before it goes on. What is not written to is address space alone.
static void keep_apart(struct assay_probe_file* shared) {
  void* own = mmap(shared, sizeof *shared, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  if (own == MAP_FAILED) munmap(shared, sizeof *shared);
}

// A child of fork has the parent's mapping, and one thread, which has yet to show that it is a loop.
static void forked_child(void) {
  int kept = errno;
  struct assay_probe_file* shared = probe_file;
  probe_file = NULL;
  probe_enabled = false;
  probe_paused = &not_paused;
  probe_self = (struct probe_thread){.fresh_epoll = -1, .fresh_member = -1, .home_epoll = -1};
  if (shared != NULL) keep_apart(shared);
  open_file();
  errno = kept;
}

static void leave_slot(struct assay_probe_slot* slot) {
  slot_opens(slot);
  STORE(slot->ended_ns, probe_now());
  STORE(slot->busy_since_ns, 0);
  slot_closes(slot);
}

static void thread_ends(void* unused) {
  (void)unused;
  struct assay_probe_slot* slot = probe_self.slot;
  probe_self.slot = NULL;
  if (slot != NULL && probe_file != NULL) leave_slot(slot);
}

static uint64_t threshold_from_environment(void) {
  const char* text = secure_getenv("ASSAY_PROBE_THRESHOLD_US");
  if (text == NULL || *text == '\0') return DEFAULT_THRESHOLD_US * UINT64_C(1000);
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9' && value <= LONGEST_THRESHOLD_US; ++text) {
    value = value * 10 + (uint64_t)(*text - '0');
  }
  bool valid = *text == '\0' && value > 0 && value <= LONGEST_THRESHOLD_US;
  return (valid ? value : DEFAULT_THRESHOLD_US) * UINT64_C(1000);
}

__attribute__((constructor)) static void library_loaded(void) {
  int kept = errno;
  if (secure_getenv("ASSAY_PROBE_DIR") != NULL) {
    probe_threshold_ns = threshold_from_environment();
    has_thread_end = pthread_key_create(&thread_end, thread_ends) == 0;
    pthread_atfork(NULL, NULL, forked_child);
    open_file();
  }
  errno = kept;
}

// Unused slots first, then those of threads that have ended: their past stays readable as long as it can. Taking one
// opens it: the step from even to odd is the claim, so that of two threads at the same slot one goes on to the next.
static struct assay_probe_slot* take_slot(struct assay_probe_file* file) {
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < assay_probe_slots; ++i) {
      struct assay_probe_slot* slot = &file->slots[i];
      if (!probe_backed(slot, sizeof *slot)) return NULL;
      uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
      if (sequence % 2 != 0) continue;
      if (pass == 0 ? __atomic_load_n(&slot->tid, __ATOMIC_RELAXED) != 0
                    : __atomic_load_n(&slot->ended_ns, __ATOMIC_RELAXED) == 0) {
        continue;
      }
      if (__atomic_compare_exchange_n(&slot->sequence, &sequence, sequence + 1, false, __ATOMIC_ACQ_REL,
                                      __ATOMIC_RELAXED)) {
        __atomic_thread_fence(__ATOMIC_RELEASE);
        return slot;
      }
    }
  }
  return NULL;
}

// The tid stays set from now on: to others a slot without one is free, to the reader it is the end of them.
static void begin_slot(struct assay_probe_slot* slot) {
  STORE(slot->tid, (uint32_t)syscall(SYS_gettid));
  STORE(slot->generation, slot->generation + 1);
  memset(slot->name, 0, sizeof *slot - offsetof(struct assay_probe_slot, name));
  slot->began_ns = probe_now();
  prctl(PR_GET_NAME, slot->name, 0, 0, 0);
  slot_closes(slot);
}

static struct probe_usage usage_at(uint64_t now_ns) {
  struct rusage use;
  if (getrusage(RUSAGE_THREAD, &use) != 0) return (struct probe_usage){0};
  const uint64_t us = (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000u +
                      (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
  return (struct probe_usage){.at_ns = now_ns,
                              .cpu_ns = us * 1000u,
                              .waits = probe_self.sleeps,
                              .slept = (uint32_t)use.ru_nvcsw,
                              .preempted = (uint32_t)use.ru_nivcsw,
                              .major_faults = (uint32_t)use.ru_majflt};
}

static bool become_loop(void) {
  struct probe_thread* self = &probe_self;
  if (self->refused || !probe_enabled) return false;
  int kept = errno;
  struct assay_probe_file* file = probe_file;
  self->inside = true;
  struct assay_probe_slot* slot = take_slot(file);
  if (slot == NULL) {
    self->inside = false;
    errno = kept;
    self->refused = true;
    __atomic_fetch_add(&file->refused_threads, 1, __ATOMIC_RELAXED);
    return false;
  }
  begin_slot(slot);
  if (has_thread_end) pthread_setspecific(thread_end, slot);
  void* frame;
  backtrace(&frame, 1);  // the first call loads the unwinder; here nobody is in a hurry
  self->busy_since_ns = 0;
  self->calls = 0;
  self->used = usage_at(probe_now());
  self->inside = false;
  if (file == probe_file) self->slot = slot;  // no signal's handler has forked meanwhile
  errno = kept;
  return self->slot != NULL;
}

// The segment that a pause begins in is none: nobody knows what it would have been.
static enum wait_role paused_role(struct probe_thread* self) {
  if (self->slot != NULL && self->busy_since_ns != 0) {
    self->inside = true;
    slot_opens(self->slot);
    STORE(self->slot->busy_since_ns, 0);
    slot_closes(self->slot);
    self->busy_since_ns = 0;
    self->used.at_ns = 0;
    self->inside = false;
  }
  return wait_ignored;
}

enum wait_role probe_epoll_role(int epoll) {
  struct probe_thread* self = &probe_self;
  if (!probe_enabled || self->inside) return wait_ignored;
  if (__builtin_expect(probe_is_paused(), 0)) return paused_role(self);
  if (epoll == self->fresh_epoll) {
    if (++self->fresh_waits <= waits_of_a_loop) return self->slot != NULL ? wait_blocking : wait_ignored;
    self->fresh_epoll = -1;
  }
  if (self->slot == NULL && !become_loop()) return wait_ignored;
  self->epoll_loop = true;
  self->home_epoll = epoll;
  return wait_of_loop;
}

enum wait_role probe_poll_role(unsigned descriptors) {
  struct probe_thread* self = &probe_self;
  if (!probe_enabled || self->inside) return wait_ignored;
  if (__builtin_expect(probe_is_paused(), 0)) return paused_role(self);
  if (self->epoll_loop || descriptors < 3) return self->slot != NULL ? wait_blocking : wait_ignored;
  if (self->slot == NULL && (++self->wide_polls <= waits_of_a_loop || !become_loop())) return wait_ignored;
  return wait_of_loop;
}

void probe_epoll_made(int epoll) {
  struct probe_thread* self = &probe_self;
  if (epoll < 0 || !probe_enabled || self->inside) return;
  self->fresh_epoll = epoll;
  self->fresh_waits = 0;
  self->fresh_member = -1;
  if (epoll == self->home_epoll) {  // the loop's own was closed: the loop is over
    self->home_epoll = -1;
    self->epoll_loop = false;
    if (self->slot != NULL) leave_slot(self->slot);
    self->slot = NULL;
  }
}

static void describe_use(struct assay_probe_stall* stall, const struct probe_usage* before,
                         const struct probe_usage* after) {
  const uint64_t cpu_ns = after->cpu_ns - before->cpu_ns;
  // In the waits of its loop it was asleep, but not held up.
  const int64_t slept = (int64_t)(after->slept - before->slept) - (int64_t)(after->waits - before->waits);
  stall->cpu_ns = cpu_ns < stall->length_ns ? cpu_ns : stall->length_ns;
  if (before->at_ns == 0 || after->at_ns == 0) stall->cpu_ns = UINT64_MAX;
  stall->slept = slept > 0 ? (uint32_t)slept : 0;
  stall->preempted = after->preempted - before->preempted;
  stall->major_faults = after->major_faults - before->major_faults;
}

static void keep_stall(uint32_t tid, uint64_t start_ns, uint64_t length_ns, const struct probe_usage* before,
                       const struct probe_usage* after) {
  struct assay_probe_file* file = probe_file;
  if (file == NULL) return;
  uint64_t index = __atomic_load_n(&file->stall_count, __ATOMIC_RELAXED);
  do {
    if (!probe_backed(&file->stalls[index % assay_probe_stalls], sizeof *file->stalls)) return;
  } while (
      !__atomic_compare_exchange_n(&file->stall_count, &index, index + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  struct assay_probe_stall* stall = &file->stalls[index % assay_probe_stalls];
  STORE(stall->ticket, 0);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  stall->start_ns = start_ns;
  stall->length_ns = length_ns;
  stall->tid = tid;
  describe_use(stall, before, after);
  __atomic_store_n(&stall->ticket, index + 1, __ATOMIC_RELEASE);
}

void probe_segment_ends(uint64_t now_ns) {
  struct probe_thread* self = &probe_self;
  struct assay_probe_slot* slot = self->slot;
  if (slot == NULL) return;  // a signal's handler forked
  self->inside = true;
  const struct probe_usage before = self->used;
  if (now_ns - before.at_ns >= USAGE_PERIOD_NS) self->used = usage_at(now_ns);
  slot_opens(slot);
  if (self->busy_since_ns != 0) {
    uint64_t length = now_ns - self->busy_since_ns;
    struct assay_probe_bucket* bucket = &slot->segments[assay_probe_bucket_of(length)];
    STORE(bucket->count, bucket->count + 1);
    STORE(bucket->sum_ns, bucket->sum_ns + length);
    bucket->sum_squares += (double)length * (double)length;
    if (length >= ASSAY_PROBE_STALL_NS) keep_stall(slot->tid, self->busy_since_ns, length, &before, &self->used);
  }
  STORE(slot->busy_since_ns, 0);
  STORE(slot->calls, self->calls);
  slot_closes(slot);
  self->inside = false;
}

void probe_segment_begins(uint64_t waited_since_ns, bool zero_timeout, int ready) {
  struct probe_thread* self = &probe_self;
  struct assay_probe_slot* slot = self->slot;
  if (slot == NULL) return;  // a signal's handler forked
  uint64_t now = probe_now();
  self->inside = true;
  slot_opens(slot);
  STORE(slot->waits, slot->waits + 1);
  if (zero_timeout) {
    STORE(slot->zero_waits, slot->zero_waits + 1);
    STORE(slot->zero_wait_ns, slot->zero_wait_ns + (now - waited_since_ns));
  } else {
    STORE(slot->wait_ns, slot->wait_ns + (now - waited_since_ns));
  }
  if (ready > 0) STORE(slot->ready, slot->ready + (uint64_t)ready);
  STORE(slot->busy_since_ns, now);
  slot_closes(slot);
  if (!zero_timeout && now - waited_since_ns >= ASLEEP_NS) ++self->sleeps;
  if (now - waited_since_ns >= USAGE_PERIOD_NS) self->used = usage_at(now);
  self->busy_since_ns = now;
  self->inside = false;
}
