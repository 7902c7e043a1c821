// What happened in each window of a run's time, by the intended instants: for objectives that are to hold in every one
// of them, where a bad minute of a good hour would not show in the whole.
//
// Constant memory, 36 KiB a window; quantiles are to 1 %.
//
// Misuse: sharing one between threads; merge() when they have stopped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

inline constexpr std::size_t max_windows = 720;  // an hour of 5 s

class run_windows {
 public:
  struct window {
    std::uint64_t offered = 0;
    std::uint64_t answered = 0;
    std::uint64_t errors = 0;
    observe::histogram response_time;
  };

  // The last one is shorter where the length is no multiple of `each`.
  run_windows(duration length, duration each);

  void offered(duration offset, std::uint64_t times = 1) { at(offset).offered += times; }
  // Answered or not, expected or not, and with which response time it is charged, if any.
  void ended(duration offset, bool answered, bool failed, std::optional<duration> response, std::uint64_t times = 1);

  void merge(const run_windows& other);
  std::span<const window> all() const { return windows_; }

 private:
  window& at(duration offset);

  duration each_;
  std::vector<window> windows_;
};

}  // namespace assay::load
