// When a run with bursts begins, so that its seconds and tens of seconds are those of the clock.
//
// A log is counted in seconds of the clock, and so is what a run leaves in the candidate's own log. Bursts that begin
// half a second beside it are in two of its seconds, by halves, and the variance of its counts is up to half of what
// was meant. The schedule stays a function of the seed: it is the run that waits, ten seconds at most.
//
// Misuse: phases in front of the one with bursts that may end early; what comes behind them is not where it was meant.
#pragma once

#include <chrono>
#include <optional>

#include "lab/model/plan.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// The run begins so that `offset` into it the wall clock stands at a multiple of `grid`.
struct clock_grid {
  duration offset{};
  duration grid{};
};

// Of a phase that shows bursts of ten seconds, ten; else a second. None when no phase has bursts.
template <class Phases>
std::optional<clock_grid> clock_grid_of(const Phases& phases) {
  constexpr std::chrono::minutes shows_tens{1};
  duration before{};
  for (const model::phase& each : phases) {
    if (each.bursts)
      return clock_grid{.offset = before, .grid = std::chrono::seconds(each.length < shows_tens ? 1 : 10)};
    before += each.length;
  }
  return std::nullopt;
}

// How long after the moment at which the wall clock says `wall` (since its epoch).
inline duration until_grid(const clock_grid& at, duration wall) {
  const duration past = (wall + at.offset) % at.grid;
  return past == duration::zero() ? duration::zero() : at.grid - past;
}

}  // namespace assay::load
