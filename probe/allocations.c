// Counts what a program allocates and frees: a library of its own, preloaded only where somebody asks for it, so that
// nobody else pays a jump for it.
//
// It stands in front of whatever allocator the program has: the next of each name. Nothing here allocates or takes a
// lock. While the dynamic linker looks the allocator up it may allocate itself: that comes from a small store of our
// own.
//
// Misuse: taking the counts of CPython for its objects: small ones come from arenas of its own, of which only the whole
// is seen here.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "probe/allocations_format.h"

#define EXPORT __attribute__((visibility("default")))

// The allocator that the program has.
static struct {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  size_t (*malloc_usable_size)(void*);
} next;
static bool found = false;
static _Thread_local bool looking = false;

static struct assay_allocations_file* file = NULL;
static uint32_t threads = 0;
static _Thread_local struct {
  struct assay_allocations_file* in;  // whose place it is: a child of fork has another file
  struct assay_allocation_place* at;
} place;

// --- before the allocator is known

enum { early_bytes = 16384, early_alignment = 16 };
static alignas(early_alignment) char early[early_bytes];
static size_t early_used = 0;

static bool is_early(const void* pointer) {
  const uintptr_t at = (uintptr_t)pointer;
  return at >= (uintptr_t)early && at < (uintptr_t)early + early_bytes;
}

// Zeroed, behind its size, and never given back.
static void* from_early(size_t size) {
  if (size > early_bytes) return NULL;
  const size_t whole = early_alignment + ((size + early_alignment - 1) & ~(size_t)(early_alignment - 1));
  const size_t at = __atomic_fetch_add(&early_used, whole, __ATOMIC_RELAXED);
  if (at + whole > early_bytes) {
    errno = ENOMEM;
    return NULL;
  }
  memcpy(early + at, &size, sizeof size);
  return early + at + early_alignment;
}

static size_t early_size(const void* pointer) {
  size_t size;
  memcpy(&size, (const char*)pointer - early_alignment, sizeof size);
  return size;
}

#define FIND(name) (next.name = (__typeof__(next.name))dlsym(RTLD_NEXT, #name))

// False on a thread that is at it already: the linker's own allocations.
__attribute__((noinline, cold)) static bool find(void) {
  if (looking) return false;
  looking = true;
  const int kept = errno;
  FIND(malloc);
  FIND(calloc);
  FIND(realloc);
  FIND(free);
  FIND(posix_memalign);
  FIND(aligned_alloc);
  FIND(memalign);
  FIND(malloc_usable_size);
  __atomic_store_n(&found, true, __ATOMIC_RELEASE);
  errno = kept;
  looking = false;
  return true;
}

static inline bool is_known(void) { return __builtin_expect(__atomic_load_n(&found, __ATOMIC_ACQUIRE), 1) || find(); }

// --- counting

#define ADD(where, value) __atomic_fetch_add(&(where), (value), __ATOMIC_RELAXED)

// NULL: nothing is counted.
static inline struct assay_allocation_place* counted(void) {
  struct assay_allocations_file* to = __atomic_load_n(&file, __ATOMIC_RELAXED);
  if (to == NULL || __atomic_load_n(&to->paused, __ATOMIC_RELAXED) != 0) return NULL;
  if (__builtin_expect(place.in != to, 0)) {
    place.at = &to->places[ADD(threads, 1) % assay_allocation_places];
    place.in = to;
  }
  return place.at;
}

static inline void* made(void* pointer) {
  struct assay_allocation_place* to = pointer == NULL ? NULL : counted();
  if (to != NULL) {
    ADD(to->allocations, 1);
    ADD(to->allocated_bytes, next.malloc_usable_size(pointer));
  }
  return pointer;
}

static inline void gone(size_t bytes) {
  struct assay_allocation_place* to = counted();
  if (to == NULL) return;
  ADD(to->frees, 1);
  ADD(to->freed_bytes, bytes);
}

// --- in front of the allocator

EXPORT void* malloc(size_t size) { return is_known() ? made(next.malloc(size)) : from_early(size); }

EXPORT void* calloc(size_t count, size_t size) {
  if (is_known()) return made(next.calloc(count, size));
  size_t whole;
  return __builtin_mul_overflow(count, size, &whole) ? NULL : from_early(whole);
}

EXPORT void free(void* pointer) {
  if (pointer == NULL || is_early(pointer) || !is_known()) return;
  if (counted() != NULL) gone(next.malloc_usable_size(pointer));
  next.free(pointer);
}

static void* grow_early(void* pointer, size_t size) {
  void* fresh = malloc(size);
  const size_t before = early_size(pointer);
  if (fresh != NULL) memcpy(fresh, pointer, before < size ? before : size);
  return fresh;
}

EXPORT void* realloc(void* pointer, size_t size) {
  if (pointer == NULL) return malloc(size);
  if (is_early(pointer)) return grow_early(pointer, size);
  if (!is_known()) return NULL;
  const size_t before = counted() == NULL ? 0 : next.malloc_usable_size(pointer);
  void* fresh = next.realloc(pointer, size);
  // Of size zero it frees; otherwise NULL says that the old one is still there.
  if (fresh != NULL || size == 0) gone(before);
  return made(fresh);
}

EXPORT int posix_memalign(void** into, size_t alignment, size_t size) {
  if (!is_known()) return ENOMEM;
  const int failed = next.posix_memalign(into, alignment, size);
  if (failed == 0) made(*into);
  return failed;
}

EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return is_known() ? made(next.aligned_alloc(alignment, size)) : NULL;
}

EXPORT void* memalign(size_t alignment, size_t size);
EXPORT void* memalign(size_t alignment, size_t size) {
  return is_known() ? made(next.memalign(alignment, size)) : NULL;
}

// --- the file

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

// A new file under its name at once: a reader sees it whole or not at all.
static struct assay_allocations_file* create_file(const char* directory, int pid) {
  char path[PATH_MAX];
  char fresh[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%d.alloc", directory, pid) >= (int)sizeof path) return NULL;
  if (snprintf(fresh, sizeof fresh, "%s/%d.allocnew", directory, pid) >= (int)sizeof fresh) return NULL;
  const int fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return NULL;
  struct assay_allocations_file* mapped = MAP_FAILED;
  // With its blocks: on a full disk a hole that is written to would end the service by SIGBUS.
  if (posix_fallocate(fd, 0, sizeof *mapped) == 0) {
    mapped = mmap(NULL, sizeof *mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  close(fd);
  if (mapped == MAP_FAILED) {
    unlink(fresh);
    return NULL;
  }
  mapped->version = ASSAY_ALLOCATIONS_VERSION;
  mapped->pid = (uint32_t)pid;
  mapped->started_ns = now_ns();
  __atomic_store_n(&mapped->magic, ASSAY_ALLOCATIONS_MAGIC, __ATOMIC_RELEASE);
  if (rename(fresh, path) == 0) return mapped;
  unlink(fresh);
  munmap(mapped, sizeof *mapped);
  return NULL;
}

static void open_file(void) {
  const char* directory = secure_getenv("ASSAY_PROBE_DIR");
  if (directory == NULL || directory[0] != '/') return;
  __atomic_store_n(&file, create_file(directory, getpid()), __ATOMIC_RELEASE);
}

// The child's counts are its own; the parent's file is left alone, its mapping too: a handler may be counting there.
static void forked_child(void) {
  const int kept = errno;
  __atomic_store_n(&file, NULL, __ATOMIC_RELEASE);
  open_file();
  errno = kept;
}

__attribute__((constructor)) static void library_loaded(void) {
  const int kept = errno;
  if (secure_getenv("ASSAY_PROBE_DIR") != NULL && is_known()) {
    pthread_atfork(NULL, NULL, forked_child);
    open_file();
  }
  errno = kept;
}
