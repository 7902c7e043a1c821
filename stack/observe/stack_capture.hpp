// What a thread is doing, seen from another one: a signal makes it write down its own call stack and which task of its
// loop runs. Nothing is allocated, locked or named in the handler; names come later (symbols.hpp).
//
//   const result<captured_stack> seen = observe::capture_stack(pulse.thread, 50ms);
//
// The stack is unwound by the tables that the compiler writes for exceptions, since libraries are built without frame
// pointers. libgcc does that without a lock from glibc 2.35 on, and is asked once beforehand so that it is loaded.
//
// The signal is SIGURG: whoever does not expect it ignores it, debuggers pass it on, and no library of ours uses it.
// System calls go on after it, but those that the kernel never resumes (nanosleep, poll and their like): a stall in
// usleep() ends early, with EINTR as for any signal.
//
// Misuse: a thread that has ended. Its pthread_t may be another's: hold what keeps it from ending
// (for_each_running_loop does).
#pragma once

#include <pthread.h>

#include <array>
#include <cstdint>
#include <optional>
#include <source_location>

#include "stack/runtime/error.hpp"
#include "stack/runtime/time.hpp"

namespace assay::observe {

inline constexpr std::size_t max_captured_frames = 48;

struct captured_stack {
  std::array<std::uintptr_t, max_captured_frames> frames{};
  std::size_t frame_count = 0;
  // Of the task that runs there; none between tasks, and for a wait that does not say whose it is.
  std::optional<std::source_location> spawned;
  std::uint64_t request_id = 0;
};

// errc::timed_out when the thread does not come to it within `limit`: it hangs in the kernel, or waits for a CPU.
result<captured_stack> capture_stack(pthread_t of, duration limit);

}  // namespace assay::observe
