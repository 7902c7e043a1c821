// What runs on a loop right now: each task, where it was spawned and by whom, since when, what it waits for, and for
// which request.
//
//   std::vector<observe::live_task> here = observe::live_tasks(*ctx.on);              // on the loop's own thread
//   std::vector<observe::loop_tasks> all = observe::collect_live_tasks(200ms);        // on a thread without a loop
//   std::string page = observe::to_text(all);
//
// Misuse: collect_live_tasks() on a loop: it waits for all loops, its own included. Run it in an offload_pool.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stack/observe/log.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::observe {

inline constexpr std::size_t max_listed_tasks = 10'000;  // of a loop

struct live_task {
  std::size_t depth = 0;  // 0: a main task; the children of a task follow it, deeper by one
  std::string file;
  std::uint32_t line = 0;
  std::string spawned_by;     // the function that spawned it
  const char* awaiting = "";  // empty: it runs, or is ready to
  duration age{};
  duration waits{};              // for what it awaits
  std::uint64_t request_id = 0;  // 0: none
};

struct loop_tasks {
  unsigned loop = 0;      // its number, see loop_pulse
  bool answered = false;  // false: it has not come to it in time; then it is stalled, and no task is known
  std::size_t live = 0;   // all, listed or not
  std::vector<live_task> tasks = {};
};

std::vector<live_task> live_tasks(loop& on);

// Of every loop that runs, in the order of their numbers. Waits `limit` at most, on this thread.
std::vector<loop_tasks> collect_live_tasks(duration limit);

// A line a task, indented by its depth:
//   loop 0: 2 tasks
//     server.cpp:42 by serve(): awaiting children for 1.2 s, lives for 1.2 s
std::string to_text(const std::vector<loop_tasks>& all);

// The same as log lines, one a task, and one for a loop that has not answered.
void log_live_tasks(json_log& to, const std::vector<loop_tasks>& all);

}  // namespace assay::observe
