// Why a service is slow, or grows: findings by name, each with the numbers behind it and what to do next.
//
// Misuse: reading `healthy` as "fast enough". It says that nothing of what is looked for was seen; whether objectives
// are met is judged elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

enum class cause : std::uint8_t {
  healthy,
  not_enough_data,
  mixed,                // several causes; the findings name them
  blocking_call,        // a call on the loop's thread that waits for something
  garbage_collection,   // pauses of the collector, on the loop's thread
  cpu_bound,            // the loop computes for too long in one go, or has no time left
  waiting_for_cpu,      // the host: runnable, and no core free
  pool_exhausted,       // every connection to a dependency busy while requests wait
  idle_in_transaction,  // connections to the database are held by transactions that do nothing
  lock_wait,            // statements wait for locks in the database
  accept_queue_full,    // clients that have connected are not accepted
  memory_leak,
  descriptor_leak,
  socket_leak,
  thread_leak,
  task_leak,  // of the runtime's: asyncio's tasks, what is active in Node.js
};
std::string_view label(cause what);
/// For running text: "blocking call".
std::string in_words(cause what);
bool is_leak(cause what);

// One number of a finding, its unit in the name: "blocked_s", "slope_per_hour_low".
struct evidence {
  std::string name;
  double value = 0;
};

struct named_cause {
  cause kind = cause::healthy;
  std::string call = {};  // of a blocking call; empty: none was seen, only what it did
  std::string peer = {};
  std::string place = {};
  std::string text = {};  // one sentence: what was seen
  std::vector<evidence> numbers = {};
  std::string next = {};  // one sentence: what to do about it
};

struct diagnosis {
  cause verdict = cause::not_enough_data;
  std::string text = {};  // one sentence
  std::vector<named_cause> findings = {};
  std::vector<std::string> remarks = {};  // what was looked at and is none: a step, a plateau, too few looks
  std::string phase = {};                 // of a campaign's plan, that it is about; empty: all that was watched
};

// What several runs of a candidate have in common.
struct shared_cause {
  named_cause what = {};  // of the middle run by its first number, of those that show it
  unsigned run = 0;       // which that is
  unsigned runs = 0;      // that show it
};

// One verdict over the runs of a candidate.
struct candidate_diagnosis {
  cause verdict = cause::not_enough_data;
  std::string text = {};   // one sentence
  std::string phase = {};  // that it is about
  unsigned judged = 0;     // complete runs in which enough was seen
  unsigned agreeing = 0;   // of them, with the verdict's cause; of `mixed`: with any cause
  std::vector<shared_cause> findings = {};
  std::vector<std::string> remarks = {};  // and what only few of its runs show
};

}  // namespace assay::model
