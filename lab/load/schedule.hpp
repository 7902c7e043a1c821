// When requests are meant to be sent. The k-th arrival is a function of k and the seed alone: being late never moves
// the schedule, so it cannot drift and lateness is charged to the requests that suffered it.
//
//   constant: a(k) = (k T + t) / rate, for thread t of T: the threads together make one even schedule.
//   Poisson:  a(k) = sum over i <= k of -ln(1 - u(seed, t, i)) T / rate. Independent Poisson processes of rate/T each
//             superpose to one of `rate` (Kingman, Poisson Processes, 1993, section 2.2). u is a counter-based
//             generator (SplitMix64 of seed, thread and i), so any run repeats exactly.
//
// Misuse: calling pop() to skip late arrivals. Every arrival is served or charged.
#pragma once

#include <cstdint>

#include "lab/model/load_result.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

struct schedule_options {
  model::arrival_law law = model::arrival_law::constant;
  double rate_per_s = 0;  // of all threads together; positive
  unsigned thread = 0;
  unsigned threads = 1;
  std::uint64_t seed = 1;
};

class arrival_schedule {
 public:
  explicit arrival_schedule(const schedule_options& options);

  // The offset of the next arrival from the start of the run.
  duration peek() const { return next_; }
  // Moves on to the arrival after it.
  void pop();
  // How many arrivals have been popped.
  std::uint64_t index() const { return k_; }

 private:
  duration offset_of_current();

  schedule_options options_;
  double gap_ns_;          // between two arrivals of this thread, on average
  double poisson_ns_ = 0;  // a(k), kept as a running sum
  std::uint64_t stream_;   // start of this thread's random numbers
  std::uint64_t k_ = 0;
  duration next_;
};

}  // namespace assay::load
