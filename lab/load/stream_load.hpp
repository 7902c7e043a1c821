// What the generators of messages and of events have in common: connections first, then the clock, then a result.
//
// Misuse: reading write_to() while run() goes on; stream_counters are for that.
#pragma once

#include <atomic>
#include <cstdint>

#include "lab/load/recorder.hpp"
#include "lab/model/stream_result.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::load {

// What the live view may read while the run goes on.
struct stream_counters : live_counters {
  std::atomic<std::uint64_t> open{0};  // connections
  std::atomic<std::uint64_t> sent{0};  // messages; answers are those of ours that were received, or events
};

class stream_load {
 public:
  stream_load() = default;
  stream_load(const stream_load&) = delete;
  stream_load& operator=(const stream_load&) = delete;
  virtual ~stream_load() = default;

  // What is opened before the clock starts. Fails when no connection can be opened, and with errc::cancelled after
  // stop().
  virtual task<result<void>> connect() = 0;
  // From `start` on, for the plan's length; returns when all is charged and every connection closed.
  virtual task<void> run(instant start) = 0;
  // Ends the run now, keeping what was measured; on the loop's thread.
  virtual void stop() = 0;
  // After run(), all but what concerns the process.
  virtual void write_to(model::stream_result& into) const = 0;
  // Memory of the process when sending ended, in bytes.
  virtual std::uint64_t memory_at_end() const = 0;
};

// A server that is there and does not speak the protocol is not one that cannot be reached.
inline failure_kind classify_stream_opening(const error& failure) {
  return failure.code == errc::protocol ? failure_kind::protocol : classify_opening(failure);
}

// Memory of the process's own that it holds (anonymous pages), in bytes; 0 where the kernel does not say.
std::uint64_t anonymous_bytes();

}  // namespace assay::load
