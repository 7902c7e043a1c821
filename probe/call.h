// The pattern of a wrapper around a call that may block.
//
// Misuse: a call whose arguments are changed by being evaluated twice: what it was about is looked at after it.
#pragma once

#include "probe/real.h"
#include "probe/record.h"

#define CALL(type, id, about, real)            \
  do {                                         \
    if (!probe_watches()) return (real);       \
    const uint64_t start = probe_now();        \
    type const result = (real);                \
    probe_call_returned((id), start, (about)); \
    return result;                             \
  } while (0)

// Of a lock. Their results are error numbers; errno is not theirs.
#define LOCK(real)                       \
  do {                                   \
    if (!probe_watches()) return (real); \
    const uint64_t start = probe_now();  \
    const int result = (real);           \
    probe_lock_returned(start);          \
    return result;                       \
  } while (0)

// The struct's other members are zero.
#define DESCRIPTOR(fd) ((struct probe_subject){.descriptor = (fd)})
#define OPENED(name) ((struct probe_subject){.descriptor = -1, .path = (name)})
#define COPIED(to, from) ((struct probe_subject){.descriptor = (to), .copies = true, .source = (from)})
#define NOTHING ((struct probe_subject){.descriptor = -1})
