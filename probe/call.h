// The pattern of a wrapper around a call that may block.
//
// Misuse: a call whose arguments are changed by being evaluated twice: what it was about is looked at after it.
#pragma once

#include <errno.h>

#include "probe/real.h"
#include "probe/record.h"

#define CALL_ENDED_BY(interrupted, type, id, about, real)     \
  do {                                                        \
    if (!probe_watches()) return (real);                      \
    const uint64_t start = probe_now();                       \
    const type result = (real);                               \
    probe_call_returned((id), start, (about), (interrupted)); \
    return result;                                            \
  } while (0)
#define CALL(type, id, about, real) CALL_ENDED_BY(result == (type) - 1 && errno == EINTR, type, id, about, real)

// The struct's other members are zero.
#define DESCRIPTOR(fd) ((struct probe_subject){.descriptor = (fd)})
#define NOTHING ((struct probe_subject){.descriptor = -1})
