// What a runtime says of itself at one moment, all processes of a service summed. Of Node.js, and of Python `active`
// alone; others have no shim for it.
//
// Misuse: judging growth by `heap_used_bytes`: it rises until the collector comes, in a service that leaks nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace assay::model {

struct runtime_look {
  double at_s = 0;
  std::uint64_t heap_used_bytes = 0;
  std::uint64_t heap_limit_bytes = 0;
  std::uint64_t external_bytes = 0;  // outside of the heap, for objects in it: buffers
  std::uint64_t live_bytes = 0;      // of both, what the last collection of all has left; 0: there was none yet
  double loop_active_s = 0;          // cumulative, by the runtime's own count
  double loop_idle_s = 0;
  // By kind: what keeps a loop of Node.js alive, "TCPSocketWrap"; of Python tasks, "notify at app.py:12".
  std::map<std::string, std::uint64_t> active = {};

  bool operator==(const runtime_look&) const = default;
};

}  // namespace assay::model
