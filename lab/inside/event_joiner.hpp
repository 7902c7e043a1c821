// Brings together what the preload library saw of a call and what the runtime's shim says of it. The one knows what was
// waited for and for how long, the other the line in the code; they are read from two files, one a little later.
//
// Misuse: settling what has only just ended: its other half may not have been read yet. Wait for patience_ns.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "lab/inside/probe_reader.hpp"
#include "lab/inside/shim_notes.hpp"

namespace assay::inside {

// The call of an event that is none: the loop's own code. Its peer is the slow function of the runtime, where one is
// known: "crypto.pbkdf2Sync".
inline constexpr std::string_view computing_call = "computing";

class event_joiner {
 public:
  static constexpr std::uint64_t patience_ns = 1'000'000'000;
  static constexpr std::uint64_t sampled_after_ns = 30'000'000;  // of a segment, and no earlier: probe/node/sampler.cjs
  static constexpr std::size_t most_pending = 4096;  // events of one process, and as many notes and segments
  static constexpr std::size_t most_processes = 512;

  void add(std::uint32_t pid, blocking_event event);
  void add(std::uint32_t pid, const thread_stall& stall);
  void add(std::uint32_t pid, shim_note note);  // of a call, a sample or a collection

  struct settled {
    std::uint32_t pid = 0;
    blocking_event event;
  };
  // What ended before that moment, as far as it is known: calls with their lines, slow functions that waited for
  // nothing, and long segments that no call fills, with where a sample found them.
  std::vector<settled> settle(std::uint64_t before_ns);
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct stretch {
    std::uint64_t start_ns = 0;
    std::uint64_t end_ns = 0;
    bool computed = true;  // as far as anyone knows
  };
  struct process {
    std::vector<blocking_event> events;
    std::vector<shim_note> calls;
    std::vector<shim_note> samples;
    std::vector<stretch> segments;  // long ones, of its first thread
    std::vector<stretch> explained;
  };
  process* of(std::uint32_t pid);
  static void settle_calls(std::uint32_t pid, process& in, std::uint64_t before_ns, std::vector<blocking_event>& out);
  static void settle_samples(std::uint32_t pid, process& in, std::uint64_t before_ns, std::vector<blocking_event>& out);

  std::map<std::uint32_t, process> processes_;
  std::uint64_t dropped_ = 0;
};

}  // namespace assay::inside
