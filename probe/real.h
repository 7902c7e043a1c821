// Finds the function that a wrapper stands in front of: the next of that name behind this library.
//
// Misuse: calling REAL before the dynamic linker has loaded libc: nothing of ours runs that early.
#pragma once

#include <dlfcn.h>

// A constructor of another library may call a wrapper before ours has run: looked up at the first use.
#define REAL(name)                                                          \
  ({                                                                        \
    static __typeof__(&name) found = NULL;                                  \
    __typeof__(&name) function = __atomic_load_n(&found, __ATOMIC_ACQUIRE); \
    if (__builtin_expect(function == NULL, 0)) {                            \
      function = (__typeof__(&name))dlsym(RTLD_NEXT, #name);                \
      __atomic_store_n(&found, function, __ATOMIC_RELEASE);                 \
    }                                                                       \
    function;                                                               \
  })

#define EXPORT __attribute__((visibility("default")))
