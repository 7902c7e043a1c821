// When requests are meant to be sent. The k-th arrival is a function of k and the seed alone: being late never moves
// the schedule, so it cannot drift and lateness is charged to the requests that suffered it.
//
// L(t) is the number of arrivals expected until t, put together from the stages' rate_curve.
//   constant: a(k) = L^-1(k T + t), for thread t of T: the threads together make one even schedule. What a stage leaves
//             of a gap goes over into the next.
//   Poisson:  a(k) = L^-1(T sum over i <= k of -ln(1 - u(seed, t, i))): a process of rate one in rescaled time
//             (Daley and Vere-Jones, An Introduction to the Theory of Point Processes I, 2003, section 7.4).
//             Independent ones of L/T each superpose to one of L (Kingman, Poisson Processes, 1993, section 2.2). u is
//             a counter-based generator (SplitMix64 of seed, thread and i), so any run repeats exactly.
// The stage of an arrival is the one its instant lies in; a boundary belongs to the stage that begins there. The last
// stage has no end: whoever runs it knows when to stop.
//
// Misuse: calling pop() to skip late arrivals. Every arrival is served or charged.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "lab/load/rate_curve.hpp"
#include "lab/model/load_result.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

struct schedule_options {
  model::arrival_law law = model::arrival_law::constant;
  double rate_per_s = 0;  // of all threads together; positive; without `stages` only
  unsigned thread = 0;
  unsigned threads = 1;
  std::uint64_t seed = 1;
  std::span<const stage> stages = {};  // copied
  duration tick = {};                  // above zero: arrivals are moved back to multiples of it, and come together
};

class arrival_schedule {
 public:
  // The offset of an arrival that never comes: those after a last stage of rate zero.
  static constexpr duration no_more = std::chrono::hours(24 * 365 * 100);

  explicit arrival_schedule(const schedule_options& options);

  // The offset of the next arrival from the start of the run, and its stage.
  duration peek() const { return tick_ > duration::zero() ? next_ - next_ % tick_ : next_; }
  unsigned stage_index() const { return stage_; }
  // Where that stage ends; no_more for the last.
  duration stage_end() const;
  // Moves on to the arrival after it.
  void pop();
  // How many arrivals have been popped.
  std::uint64_t index() const { return k_; }
  // Moves on to the first arrival at or after `offset` and says how many that leaves behind, in constant time. Exact
  // for the constant law and of a few; of more the expected number for Poisson. A tick moves none of them. For accounts
  // of what will not be sent any more.
  std::uint64_t skip_until(duration offset);

 private:
  struct segment {
    double begins_ns = 0;
    double arrivals_before = 0;  // L at its begin
    rate_curve curve;
  };

  void find_current();
  double arrivals_until(double offset_ns) const;

  std::vector<segment> segments_;
  bool poisson_;
  duration tick_;
  unsigned threads_;
  std::uint64_t stream_;  // start of this thread's random numbers
  double rescaled_ = 0;   // Poisson: the running sum
  std::uint64_t k_ = 0;
  std::uint64_t ordinal_ = 0;  // constant: k T + t
  unsigned stage_ = 0;
  duration next_{};
};

}  // namespace assay::load
