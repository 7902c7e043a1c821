// The mapped file between the preload library, which writes it, and the reader in lab/inside: <pid>.probe in
// ASSAY_PROBE_DIR. C and C++; fixed sizes; all times CLOCK_MONOTONIC nanoseconds. One word goes the other way: `paused`
// switches the library off and on while the process runs.
//
// Misuse: mapping it in the reader: a process that ends may truncate what is mapped, and a load from it kills. The
// reader copies by pread and checks `sequence` (slots: even and unchanged) and `ticket` (rings: index + 1) around it.
#pragma once

#include <stdint.h>

#define ASSAY_PROBE_MAGIC UINT64_C(0x31424F5259415341) /* "ASAYROB1" */
#define ASSAY_PROBE_VERSION 3u

enum {
  assay_probe_slots = 64,       // loop threads of one process
  assay_probe_octaves = 27,     // 1 µs to 137 s
  assay_probe_sub_buckets = 8,  // a bucket is at most an eighth of its lower bound wide
  assay_probe_buckets = 1 + assay_probe_octaves * assay_probe_sub_buckets,
  assay_probe_stalls = 4096,  // long segments that are kept one by one
  assay_probe_events = 512,   // blocking calls that are kept one by one
  assay_probe_frames = 24,
  assay_probe_peer_bytes = 128,
  assay_probe_stack_bytes = 1024,
};
#define ASSAY_PROBE_STALL_NS UINT64_C(10000000) /* a segment this long is kept in the ring of stalls */
#define ASSAY_PROBE_FIRST_OCTAVE 10             /* below 2^10 ns: bucket 0 */

enum assay_probe_call {
  assay_call_recv = 1,
  assay_call_read,
  assay_call_send,
  assay_call_write,
  assay_call_connect,
  assay_call_getaddrinfo,
  assay_call_fsync,
  assay_call_fdatasync,
  assay_call_sleep,
  assay_call_flock,
  assay_call_waitpid,
  assay_call_poll_in,     // poll, select or a second epoll on one or two descriptors: waits until there is something to
                          // read
  assay_call_poll_out,    // the same, until it can be written, or is connected
  assay_call_lock,        // a semaphore, which is what CPython's locks are made of, a mutex or a condition
  assay_call_collection,  // no call: the runtime's collector at work, as its shim says
  assay_call_open,
  assay_call_accept,
  assay_call_stat,
  assay_call_unlink,
  assay_call_rename,
  assay_call_sendfile,
  assay_call_copy_file_range,
  assay_call_join,  // waits for the end of a thread
};

// What the descriptor of a blocking call is.
enum assay_probe_kind {
  assay_kind_none = 0,
  assay_kind_socket,
  assay_kind_path,
  assay_kind_host,
};

struct assay_probe_bucket {
  uint64_t count;
  uint64_t sum_ns;
  double sum_squares;
};

// One loop thread. A busy segment lasts from the return of a wait to the entry of the next.
struct assay_probe_slot {
  uint64_t sequence;  // odd while it is written
  uint32_t tid;       // 0: never used
  uint32_t generation;
  char name[16];
  uint64_t began_ns;
  uint64_t ended_ns;       // 0: alive
  uint64_t busy_since_ns;  // 0: waits
  uint64_t waits;
  uint64_t zero_waits;    // with a timeout of zero
  uint64_t ready;         // descriptors that the waits returned
  uint64_t wait_ns;       // in waits that could wait
  uint64_t zero_wait_ns;  // in waits that could not: no idle time
  uint64_t calls;         // that were timed, up to its last wait
  struct assay_probe_bucket segments[assay_probe_buckets];
};

struct assay_probe_stall {
  uint64_t ticket;
  uint64_t start_ns;
  uint64_t length_ns;
  // What the thread did meanwhile, as getrusage counts it; the few milliseconds before the segment may be in it.
  uint64_t cpu_ns;  // UINT64_MAX: not known, nor are the rest
  uint32_t tid;
  uint32_t slept;      // voluntary switches
  uint32_t preempted;  // involuntary ones
  uint32_t major_faults;
};

struct assay_probe_event {
  uint64_t ticket;
  uint64_t start_ns;
  uint64_t length_ns;
  uint32_t tid;
  uint16_t call;  // assay_probe_call
  uint16_t kind;  // assay_probe_kind
  uint32_t frame_count;
  uint32_t reserved;
  char peer[assay_probe_peer_bytes];  // "127.0.0.1:5432", a path, a host name; ends with NUL
  uint64_t frames[assay_probe_frames];
  char stack[assay_probe_stack_bytes];  // lines, innermost first, "*" before own code; ends with NUL
};

struct assay_probe_file {
  uint64_t magic;  // written last
  uint32_t version;
  uint32_t pid;
  uint64_t file_bytes;
  uint64_t started_ns;
  uint64_t threshold_ns;
  uint64_t refused_threads;  // loop threads beyond the slots
  uint64_t stall_count;      // ever; the ring has the last of them
  uint64_t event_count;
  uint64_t has_stack_hook;
  uint64_t paused;  // not 0: every call passes through, nothing is counted
  uint64_t reserved[6];
  struct assay_probe_slot slots[assay_probe_slots];
  struct assay_probe_stall stalls[assay_probe_stalls];
  struct assay_probe_event events[assay_probe_events];
};

// What a runtime's shim says, one after another in <pid>.notes beside the file; written at once, never changed.
enum assay_probe_note_kind {
  assay_note_call = 1,    // a slow call of the runtime's, with its line
  assay_note_sample,      // where the loop's thread was in a long segment; it began at start_ns
  assay_note_collection,  // a pause of the collector
  assay_note_failure,     // an error that nobody handled
};

struct assay_probe_note {
  uint64_t start_ns;
  uint64_t end_ns;
  uint32_t kind;
  uint32_t reserved;
  char what[40];                        // "fs.readSync", "unhandledRejection"; ends with NUL
  char stack[assay_probe_stack_bytes];  // as in an event; of a failure its message
};

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"  // the only one that C has
#endif
static inline unsigned assay_probe_bucket_of(uint64_t ns) {
  if (ns < (UINT64_C(1) << ASSAY_PROBE_FIRST_OCTAVE)) return 0;
  const unsigned octave = 63u - (unsigned)__builtin_clzll(ns);
  if (octave >= ASSAY_PROBE_FIRST_OCTAVE + assay_probe_octaves) return assay_probe_buckets - 1;
  const unsigned sub = (ns >> (octave - 3)) & 7u;
  return 1u + (octave - ASSAY_PROBE_FIRST_OCTAVE) * assay_probe_sub_buckets + sub;
}
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

// The shortest segment that bucket i may hold; the longest is below the lower bound of i + 1.
static inline uint64_t assay_probe_bucket_floor(unsigned i) {
  if (i == 0) return 0;
  const unsigned octave = ASSAY_PROBE_FIRST_OCTAVE + (i - 1) / assay_probe_sub_buckets;
  return (UINT64_C(8) + (i - 1) % assay_probe_sub_buckets) << (octave - 3);
}
