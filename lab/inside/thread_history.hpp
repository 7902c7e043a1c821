// What the loop threads of a candidate had counted at each look, so that a phase can be cut out afterwards.
//
// Misuse: reading a phase that began before the first look: its window then begins with that look.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/inside/loop_work.hpp"
#include "lab/inside/probe_reader.hpp"
#include "lab/model/trial.hpp"

namespace assay::inside {

struct thread_key {
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  std::uint64_t generation = 0;
  auto operator<=>(const thread_key&) const = default;
};

struct loop_stall {
  thread_key thread;
  long_segment segment;
};

class thread_history {
 public:
  static constexpr std::size_t most_looks = 16'384;      // then every second is dropped: half the resolution
  static constexpr std::size_t most_snapshots = 20'000;  // of all threads; about 3 KB each
  static constexpr std::size_t most_threads = 512;       // then the one that ended first makes room
  static constexpr std::size_t most_stalls = 100'000;

  void look(std::uint64_t now_ns);  // the moment of what is added until the next look
  void add(std::uint32_t pid, const thread_counters& counters, model::lag_quality quality);
  void add_stall(std::uint32_t pid, const thread_stall& stall);

  bool has_traced_loop(std::uint32_t pid) const;  // one that the library sees
  // The busiest loop thread during [begin, end).
  model::loop_lag lag(const std::string& phase, std::uint64_t begin_ns, std::uint64_t end_ns) const;
  // Its segments: for quantiles that lag() does not tell.
  busy_segments segments(std::uint64_t begin_ns, std::uint64_t end_ns) const;
  // Long segments, those that still go on at the last look included.
  std::vector<loop_stall> stalls() const;
  // Of the loops that the library saw: of each since it began.
  loop_work traced_work() const;
  std::string name_of(const thread_key& thread) const;
  std::uint64_t dropped() const { return dropped_; }
  std::uint64_t evicted() const { return evicted_; }  // loops that ended, and made room for others

 private:
  struct snapshot {
    std::uint64_t at_ns = 0;
    thread_counters counters;
  };
  struct series {
    model::lag_quality quality = model::lag_quality::none;
    std::vector<snapshot> snapshots;
    std::vector<long_segment> stalls;
    std::uint64_t busy_since_ns = 0;  // at the last look
  };

  struct busiest_loop {
    const series* thread = nullptr;  // nullptr: no loop was seen
    busy_segments segments;
    lag_estimate estimate;
  };
  busiest_loop busiest(std::uint64_t from_ns, std::uint64_t to_ns) const;
  std::uint64_t look_nearest(std::uint64_t at_ns) const;
  busy_segments cut(const series& thread, std::uint64_t begin_ns, std::uint64_t end_ns) const;
  std::vector<long_segment> stalls_of(const series& thread) const;
  void thin_out();
  bool evict_one_that_ended();

  std::vector<std::uint64_t> looks_;
  std::map<thread_key, series> threads_;
  std::size_t snapshots_ = 0;
  std::size_t stalls_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t evicted_ = 0;
  loop_work evicted_work_;  // traced
};

}  // namespace assay::inside
