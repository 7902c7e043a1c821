// Locks of threads: mutexes, locks of readers and writers, conditions; and the end of a thread. What is free is taken
// by a try, and nobody looks at a clock.
//
// Semaphores, which CPython's own locks are made of, stand in interpose_calls.c. What waits by the system call itself,
// as std::atomic and Rust's locks do, comes by libc's syscall().
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/call.h"

// Beside today's conditions glibc has those of before 2003 under the same names, and dlsym may find them.
#define CONDITION(name)                                                            \
  ({                                                                               \
    static __typeof__(&name) found = NULL;                                         \
    __typeof__(&name) function = __atomic_load_n(&found, __ATOMIC_ACQUIRE);        \
    if (__builtin_expect(function == NULL, 0)) {                                   \
      function = (__typeof__(&name))dlvsym(RTLD_NEXT, #name, "GLIBC_2.3.2");       \
      if (function == NULL) function = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
      __atomic_store_n(&found, function, __ATOMIC_RELEASE);                        \
    }                                                                              \
    function;                                                                      \
  })

EXPORT int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (!probe_watches()) return REAL(pthread_mutex_lock)(mutex);
  const int tried = REAL(pthread_mutex_trylock)(mutex);
  if (tried != EBUSY) return tried;
  LOCK(REAL(pthread_mutex_lock)(mutex));
}

EXPORT int pthread_mutex_timedlock(pthread_mutex_t* restrict mutex, const struct timespec* restrict until) {
  LOCK(REAL(pthread_mutex_timedlock)(mutex, until));
}

EXPORT int pthread_mutex_clocklock(pthread_mutex_t* restrict mutex, clockid_t clock,
                                   const struct timespec* restrict until) {
  LOCK(REAL(pthread_mutex_clocklock)(mutex, clock, until));
}

EXPORT int pthread_rwlock_rdlock(pthread_rwlock_t* lock) {
  if (!probe_watches()) return REAL(pthread_rwlock_rdlock)(lock);
  const int tried = REAL(pthread_rwlock_tryrdlock)(lock);
  if (tried != EBUSY) return tried;
  LOCK(REAL(pthread_rwlock_rdlock)(lock));
}

EXPORT int pthread_rwlock_wrlock(pthread_rwlock_t* lock) {
  if (!probe_watches()) return REAL(pthread_rwlock_wrlock)(lock);
  const int tried = REAL(pthread_rwlock_trywrlock)(lock);
  if (tried != EBUSY) return tried;
  LOCK(REAL(pthread_rwlock_wrlock)(lock));
}

EXPORT int pthread_rwlock_timedrdlock(pthread_rwlock_t* restrict lock, const struct timespec* restrict until) {
  LOCK(REAL(pthread_rwlock_timedrdlock)(lock, until));
}

EXPORT int pthread_rwlock_timedwrlock(pthread_rwlock_t* restrict lock, const struct timespec* restrict until) {
  LOCK(REAL(pthread_rwlock_timedwrlock)(lock, until));
}

EXPORT int pthread_rwlock_clockrdlock(pthread_rwlock_t* restrict lock, clockid_t clock,
                                      const struct timespec* restrict until) {
  LOCK(REAL(pthread_rwlock_clockrdlock)(lock, clock, until));
}

EXPORT int pthread_rwlock_clockwrlock(pthread_rwlock_t* restrict lock, clockid_t clock,
                                      const struct timespec* restrict until) {
  LOCK(REAL(pthread_rwlock_clockwrlock)(lock, clock, until));
}

EXPORT int pthread_join(pthread_t thread, void** result_of) {
  CALL(int, assay_call_join, NOTHING, REAL(pthread_join)(thread, result_of));
}

EXPORT int pthread_timedjoin_np(pthread_t thread, void** result_of, const struct timespec* until) {
  CALL(int, assay_call_join, NOTHING, REAL(pthread_timedjoin_np)(thread, result_of, until));
}

EXPORT int pthread_clockjoin_np(pthread_t thread, void** result_of, clockid_t clock, const struct timespec* until) {
  CALL(int, assay_call_join, NOTHING, REAL(pthread_clockjoin_np)(thread, result_of, clock, until));
}

EXPORT int pthread_cond_wait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex) {
  LOCK(CONDITION(pthread_cond_wait)(condition, mutex));
}

EXPORT int pthread_cond_timedwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex,
                                  const struct timespec* restrict until) {
  LOCK(CONDITION(pthread_cond_timedwait)(condition, mutex, until));
}

EXPORT int pthread_cond_clockwait(pthread_cond_t* restrict condition, pthread_mutex_t* restrict mutex, clockid_t clock,
                                  const struct timespec* restrict until) {
  LOCK(REAL(pthread_cond_clockwait)(condition, mutex, clock, until));
}

static bool waits_on_futex(long number, long operation) {
  if (number != SYS_futex) return false;
  const long command = operation & FUTEX_CMD_MASK;
  return command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET || command == FUTEX_LOCK_PI ||
         command == FUTEX_WAIT_REQUEUE_PI;
}

// Six arguments, as libc's own takes them: those that are not there are whatever there is.
EXPORT long syscall(long number, ...) {
  va_list more;
  va_start(more, number);
  long of[6];
  for (int i = 0; i < 6; ++i) of[i] = va_arg(more, long);
  va_end(more);
  if (!waits_on_futex(number, of[1]) || !probe_watches()) {
    return REAL(syscall)(number, of[0], of[1], of[2], of[3], of[4], of[5]);
  }
  const uint64_t start = probe_now();
  const long result = REAL(syscall)(number, of[0], of[1], of[2], of[3], of[4], of[5]);
  probe_lock_returned(start);
  return result;
}
