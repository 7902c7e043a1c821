// The mapped file between the counter of allocations, which writes it, and the reader in lab/inside: <pid>.alloc in
// ASSAY_PROBE_DIR. C and C++; fixed sizes. One word goes the other way: `paused` switches counting off and on.
//
// Misuse: taking one place's frees from its allocations: a thread may free what another has made. Only the sums mean
// anything.
#pragma once

#include <stdint.h>

#define ASSAY_ALLOCATIONS_MAGIC UINT64_C(0x434F4C4C41595341) /* "ASYALLOC" */
#define ASSAY_ALLOCATIONS_VERSION 1u

enum { assay_allocation_places = 64 };  // threads take them in turn

// A cache line of its own, so that threads do not wait for each other. Bytes are as large as the allocator made them.
struct assay_allocation_place {
  uint64_t allocations;
  uint64_t frees;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;
  uint64_t reserved[4];
};

struct assay_allocations_file {
  uint64_t magic;  // written last
  uint32_t version;
  uint32_t pid;
  uint64_t started_ns;  // CLOCK_MONOTONIC; another program of the same number has another
  uint64_t paused;      // not 0: nothing is counted
  uint64_t reserved[4];
  struct assay_allocation_place places[assay_allocation_places];
};
