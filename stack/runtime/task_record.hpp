// What is known of a task while it lives: where it was spawned and by whom, since when, and what it waits for. Each
// child of a scope has one in its own frame, a loop has one for its main task, and the loop keeps a list of them all.
//
// Written with plain stores on the way into and out of a wait, because it is read seldom: by the loop's own thread
// (stack/observe/live_tasks.hpp), or by a signal handler on it.
//
// Misuse: reading one from another thread, or keeping a pointer to it. It goes with the task.
#pragma once

#include <cstdint>
#include <source_location>

#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/time.hpp"

namespace assay {

struct task_record : list_node {
  std::source_location where;           // of the spawn, or of loop::run()
  const task_record* parent = nullptr;  // it outlives its children; none for a main task
  const void* owner = nullptr;          // the scope that has to join it, if any
  instant since{};
  const char* awaiting = nullptr;  // static text; null while it runs, or is ready to
  instant awaiting_since{};
  std::uint64_t request_id = 0;  // of the request that it works for now; 0: none
};

}  // namespace assay
