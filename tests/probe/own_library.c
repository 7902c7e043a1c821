// A library that a program may have had in LD_PRELOAD before: it counts the reads, and hands them on. And what tests
// need behind the probe: a signal that comes at a given moment, calls that are slow, a lock that is held across one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { slow_ms = 20 };

unsigned own_reads;
int own_clock_readings;  // SIGALRM comes before this one of the calls of clock_gettime that follow; 0: never
int own_slow_calls;      // not 0: those below take their time
int own_alarms;          // not 0: SIGALRM comes in the middle of a slow call

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t read(int fd, void* data, size_t count) {
  ++own_reads;
  return NEXT(read)(fd, data, count);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  if (own_clock_readings > 0 && --own_clock_readings == 0) raise(SIGALRM);
  return (int)syscall(SYS_clock_gettime, clock, now);
}

static void take_time(void) {
  if (own_slow_calls == 0) return;
  if (own_alarms != 0) raise(SIGALRM);
  struct timespec length = {0, slow_ms * 1000000L};
  syscall(SYS_ppoll, NULL, 0, &length, NULL, 0);
}

#define SLOW(type, name, parameters, arguments) \
  type name parameters {                        \
    take_time();                                \
    return NEXT(name) arguments;                \
  }
SLOW(int, getaddrinfo,
     (const char* restrict host, const char* restrict service, const struct addrinfo* restrict hints,
      struct addrinfo** restrict found),
     (host, service, hints, found))
SLOW(int, stat, (const char* restrict path, struct stat* restrict about), (path, about))
SLOW(int, unlink, (const char* path), (path))
SLOW(int, rename, (const char* path, const char* to), (path, to))
SLOW(ssize_t, preadv, (int fd, const struct iovec* pieces, int count, off_t at), (fd, pieces, count, at))
SLOW(ssize_t, pwritev, (int fd, const struct iovec* pieces, int count, off_t at), (fd, pieces, count, at))
SLOW(ssize_t, sendfile, (int to, int from, off_t* at, size_t count), (to, from, at, count))
SLOW(ssize_t, copy_file_range, (int from, off64_t* from_at, int to, off64_t* to_at, size_t count, unsigned flags),
     (from, from_at, to, to_at, count, flags))

// A collector's callback that is C, and a signal that comes in the middle of the collection.
void own_alarm(void* phase, void* about) {
  (void)phase;
  (void)about;
  take_time();
}

// A native library's own lock, as SQLite has one a connection.
static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;
static int own_lock_held;

static bool first_thread_sleeps(void) {
  char text[512] = "";
  FILE* file = fopen("/proc/self/stat", "re");
  if (file == NULL) return false;
  const size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = '\0';
  const char* behind_name = strrchr(text, ')');
  return behind_name != NULL && behind_name[1] == ' ' && behind_name[2] == 'S';
}

// Called without the global lock: reads what comes late, with the native lock held. By the probe's read: a compiler may
// take the one above.
void own_read_with_lock(int fd) {
  ssize_t (*any_read)(int, void*, size_t) = (ssize_t(*)(int, void*, size_t))dlsym(RTLD_DEFAULT, "read");
  char byte;
  pthread_mutex_lock(&own_lock);
  __atomic_store_n(&own_lock_held, 1, __ATOMIC_RELEASE);
  (void)!any_read(fd, &byte, 1);
  pthread_mutex_unlock(&own_lock);
}

// Called without the global lock.
void own_await_lock(void) {
  while (__atomic_load_n(&own_lock_held, __ATOMIC_ACQUIRE) == 0) sched_yield();
}

// Called with the global lock, which is kept: lets the other read on, and waits for its lock.
void own_write_and_lock(int fd) {
  while (!first_thread_sleeps()) sched_yield();
  struct timespec length = {0, slow_ms * 1000000L};
  syscall(SYS_ppoll, NULL, 0, &length, NULL, 0);
  (void)!write(fd, "x", 1);
  pthread_mutex_lock(&own_lock);
  pthread_mutex_unlock(&own_lock);
}
