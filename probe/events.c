// Calls that took long, one by one: what each was about, and the stack that it was made from.
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "probe/real.h"
#include "probe/record.h"

// The runtime's shim has it: writes the runtime's stack as text, NUL at its end. `ready` says whether this thread has
// one. It is called in the middle of whatever waited, with the locks of that held: it may wait for nobody.
typedef void (*stack_hook)(char* text, uint32_t capacity);
typedef void* (*stack_ready)(void);
static stack_hook hook = NULL;
static stack_ready hook_ready = NULL;

bool probe_has_stack_hook(void) { return __atomic_load_n(&hook, __ATOMIC_RELAXED) != NULL; }

// NULL where there is no room. A signal's handler may fork meanwhile: from here on nobody looks at probe_file again.
static struct assay_probe_event* take_event(struct assay_probe_file* file, uint64_t* index) {
  *index = __atomic_load_n(&file->event_count, __ATOMIC_RELAXED);
  struct assay_probe_event* event;
  do {
    event = &file->events[*index % assay_probe_events];
    if (!probe_backed(event, sizeof *event)) return NULL;
  } while (
      !__atomic_compare_exchange_n(&file->event_count, index, *index + 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  STORE(event->ticket, 0);
  __atomic_thread_fence(__ATOMIC_RELEASE);
  return event;
}

static void take_stacks(struct assay_probe_event* event) {
  void* frames[assay_probe_frames];
  int count = backtrace(frames, assay_probe_frames);
  event->frame_count = count > 0 ? (uint32_t)count : 0;
  for (int i = 0; i < count; ++i) event->frames[i] = (uint64_t)(uintptr_t)frames[i];
  event->stack[0] = '\0';
  stack_hook call_hook = __atomic_load_n(&hook, __ATOMIC_ACQUIRE);
  stack_ready ready = __atomic_load_n(&hook_ready, __ATOMIC_ACQUIRE);
  if (call_hook != NULL && ready != NULL && ready() != NULL) call_hook(event->stack, assay_probe_stack_bytes);
  event->stack[assay_probe_stack_bytes - 1] = '\0';
}

__attribute__((noinline, cold)) static void keep_event(enum assay_probe_call call, uint64_t start_ns,
                                                       uint64_t length_ns, struct probe_subject subject) {
  const struct assay_probe_slot* slot = probe_self.slot;
  struct assay_probe_file* file = probe_file;
  if (slot == NULL || file == NULL) return;  // a signal's handler forked
  uint64_t index;
  struct assay_probe_event* event = take_event(file, &index);
  if (event == NULL) return;
  event->start_ns = start_ns;
  event->length_ns = length_ns;
  event->tid = slot->tid;
  event->call = (uint16_t)call;
  event->kind = assay_kind_none;
  event->peer[0] = '\0';
  probe_describe(event, subject);
  take_stacks(event);
  __atomic_store_n(&event->ticket, index + 1, __ATOMIC_RELEASE);
}

// A call on a descriptor that does not block has not waited for it, however long it took: the thread was without a CPU,
// or copied much. Of files the flag says nothing: a disk is waited for all the same.
static bool never_waits(int descriptor) {
  if (descriptor < 0) return false;
  struct stat about;
  const int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0 && fstat(descriptor, &about) == 0 && !S_ISREG(about.st_mode) &&
         !S_ISBLK(about.st_mode);
}

void probe_call_returned(enum assay_probe_call call, uint64_t start_ns, struct probe_subject subject) {
  uint64_t length = probe_now() - start_ns;
  ++probe_self.calls;
  if (__builtin_expect(length < probe_threshold_ns, 1) || !probe_watches()) return;
  int kept = errno;
  probe_self.inside = true;
  // Of two descriptors it waited for the one that can be waited for.
  if (subject.copies && never_waits(subject.descriptor)) subject.descriptor = subject.source;
  // A poll waits, whatever its descriptors are.
  const bool polled = call == assay_call_poll_in || call == assay_call_poll_out;
  if (polled || !never_waits(subject.descriptor)) keep_event(call, start_ns, length, subject);
  probe_self.inside = false;
  errno = kept;
}

// CPython waits for its global lock in slices of 5 ms, each a condition: they are no event.
void probe_lock_returned(uint64_t start_ns) {
  const uint64_t least_ns = UINT64_C(10000000);
  if (probe_now() - start_ns < least_ns) {
    ++probe_self.calls;
    return;
  }
  probe_call_returned(assay_call_lock, start_ns, (struct probe_subject){.descriptor = -1});
}

void assay_probe_collected(uint64_t start_ns) {
  probe_call_returned(assay_call_collection, start_ns, (struct probe_subject){.descriptor = -1});
}

// NULL takes the hook away: a runtime does so before it shuts down.
EXPORT void assay_probe_set_stack_hook(stack_hook new_hook, stack_ready ready);
void assay_probe_set_stack_hook(stack_hook new_hook, stack_ready ready) {
  __atomic_store_n(&hook, NULL, __ATOMIC_RELEASE);
  __atomic_store_n(&hook_ready, ready, __ATOMIC_RELEASE);
  __atomic_store_n(&hook, ready != NULL ? new_hook : NULL, __ATOMIC_RELEASE);
  if (probe_file != NULL) STORE(probe_file->has_stack_hook, new_hook != NULL && ready != NULL);
}
