// Locks of threads: mutexes and conditions. A mutex that is free is taken by a try, and nobody looks at a clock.
//
// Semaphores, which CPython's own locks are made of, stand in interpose_calls.c.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>

#include "probe/real.h"
#include "probe/record.h"

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

// Their results are error numbers; errno is not theirs.
#define LOCK(real)                       \
  do {                                   \
    if (!probe_watches()) return (real); \
    const uint64_t start = probe_now();  \
    const int result = (real);           \
    probe_lock_returned(start);          \
    return result;                       \
  } while (0)

EXPORT int pthread_mutex_lock(pthread_mutex_t* mutex) {
  if (!probe_watches()) return REAL(pthread_mutex_lock)(mutex);
  const int tried = REAL(pthread_mutex_trylock)(mutex);
  if (tried != EBUSY) return tried;
  LOCK(REAL(pthread_mutex_lock)(mutex));
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
