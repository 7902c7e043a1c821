// What every coroutine inherits from the one that awaits it: the loop, an absolute deadline, a cancel scope, and the
// identity of the request it works for. One pointer in each promise, copied at co_await; no thread-locals, so it
// survives any interleaving.
//
// Misuse: keeping a context& beyond the coroutine that was given it. A context lives in the frame of whoever narrowed
// it (with_deadline, scope); take a copy of the ids if something must outlive the request.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "stack/runtime/cancel.hpp"
#include "stack/runtime/task_record.hpp"
#include "stack/runtime/time.hpp"

namespace assay {

class loop;

// W3C trace-context identity; all zero means "none".
struct trace_identity {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::uint8_t flags = 0;  // bit 0: sampled
  std::string_view state;  // the tracestate to send on; owned by whoever narrowed the context
};

struct context {
  loop* on = nullptr;              // never null while a task runs
  instant deadline = never;        // absolute; a child's is never later than its parent's
  cancel_scope* cancel = nullptr;  // never null while a task runs
  task_record* task = nullptr;     // the spawned task that this is part of; never null while a task runs
  std::uint64_t request_id = 0;    // 0 outside of a request
  trace_identity trace;

  // The same context with a deadline no later than `at`.
  context narrowed(instant at) const {
    context narrower = *this;
    if (at < narrower.deadline) narrower.deadline = at;
    return narrower;
  }
};

}  // namespace assay
