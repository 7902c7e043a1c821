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
  mixed,               // several causes; the findings name them
  blocking_call,       // a call on the loop's thread that waits for something
  garbage_collection,  // pauses of the collector, on the loop's thread
  cpu_bound,           // the loop computes for too long in one go, or has no time left
  waiting_for_cpu,     // the host: runnable, and no core free
  pool_exhausted,      // every connection to a dependency busy while requests wait
  memory_leak,
  descriptor_leak,
  socket_leak,
};
std::string_view label(cause what);

// One number of a finding, its unit in the name: "blocked_s", "slope_per_hour_low".
struct evidence {
  std::string name;
  double value = 0;
};

struct finding {
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
  std::vector<finding> findings = {};
  std::vector<std::string> remarks = {};  // what was looked at and is none: a step, a plateau, too few looks
};

}  // namespace assay::model
