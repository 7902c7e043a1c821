// The response times of a run, or of a stretch of it, apart by when they were meant to begin, in equal parts of its
// time. How much more the parts differ than chance would have it tells how little one response time adds to the one
// before: see intervals.hpp.
//
// Constant memory, 1.2 MiB; quantiles are to 1 %.
//
// Misuse: sharing one between threads; merge() when they have stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lab/load/rate_curve.hpp"
#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

class run_parts {
 public:
  static constexpr std::size_t parts = 32;
  static constexpr observe::histogram_options layout{.significant_digits = 2};

  // Offsets count from the start of the run; the stretch begins at `begin`.
  explicit run_parts(duration length, duration begin = {});

  void record(duration offset, duration response, std::uint64_t times = 1) {
    const double part = static_cast<double>((offset - begin_).count()) * parts_a_ns_;
    const auto index = part > 0 ? static_cast<std::size_t>(part) : 0;
    histograms_[index < parts ? index : parts - 1].record(
        response > duration::zero() ? static_cast<std::uint64_t>(response.count()) : 0, times);
  }
  void merge(const run_parts& other);
  std::span<const observe::histogram> histograms() const { return histograms_; }

 private:
  duration begin_;
  double parts_a_ns_;
  std::vector<observe::histogram> histograms_;
};

// Those of each route of a run of one stage, none where its rate changes on purpose; or those of each of several
// stages, null for one whose rate does.
std::vector<std::unique_ptr<run_parts>> parts_of(std::span<const stage> stages, std::size_t routes = 1);

}  // namespace assay::load
