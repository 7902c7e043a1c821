// Finds the highest rate at which a service keeps its objectives, as an interval, from runs that only say "kept" or
// "not kept" and sometimes say it wrongly.
//
//   capacity_search search({.from_rps = 100});
//   while (const auto rate = search.next()) search.observe(*rate, run_at(*rate));
//   const model::capacity_estimate found = search.estimate();
//
// The capacity is the rate c that half of all runs keep. A run at rate r keeps with probability
//
//   l/2 + (1 - l) Phi((ln c - ln r) / s)
//
// s is how much the capacity itself differs from run to run, l the share of runs that say nothing about the rate. c
// and s are estimated together on a grid, and the next rate is the one whose outcome is expected to tell most (least
// expected entropy): the psi method of Kontsevich and Tyler, Bayesian adaptive estimation of psychometric slope and
// threshold, Vision Research 39, 1999, with the slope as a nuisance as in Prins, The psi-marginal adaptive method,
// Journal of Vision 13, 2013. Bisection would believe its first wrong answer for ever.
//
// First it doubles the rate until it is not kept twice, or halves it until it is: that bounds the grid. At last it sees
// to it that the interval does not rest on the model alone: a run just below it has kept, one just above it has not.
// What such a run says counts as ever, so one that contradicts moves the interval or widens it again.
//
// Misuse: runs so short that a queue does not build up in them; what is found then is what a burst survives.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lab/model/capacity.hpp"

namespace assay::load {

struct capacity_options {
  double from_rps = 100;         // the first run's
  double least_rps = 1;          // below it the search gives up: nothing is kept
  double most_rps = 10'000'000;  // above it: everything is
  double precision = 0.05;       // ends when the interval's upper end is at most so much above the lower
  std::size_t most_runs = 40;    // or after so many
  double confidence = 0.95;
};

class capacity_search {
 public:
  explicit capacity_search(const capacity_options& options);

  // The rate of the next run; nothing when there is none to do.
  std::optional<double> next() const;
  // What the run at `rate_rps` said.
  void observe(double rate_rps, bool kept);
  // The generator cannot do more than this: no run at a higher rate is asked for.
  void limit_to(double rate_rps);
  // Any time.
  model::capacity_estimate estimate() const;

 private:
  struct run {
    double log_rate;
    bool kept;
  };

  std::optional<double> gallop() const;
  std::optional<double> unconfirmed(const model::capacity_estimate& found) const;
  bool has_run(double from_rps, double to_rps, bool kept) const;
  bool bracketed() const;
  void make_grid(double low, double high);
  void weigh(const run& seen);
  bool beyond_most() const;
  double expected_entropy(std::size_t rate) const;
  std::size_t place_of(double q) const;

  capacity_options options_;
  std::vector<run> runs_;
  // Before the grid: logarithms of rates, and whether the last run is to be made once more.
  std::optional<double> highest_kept_;
  std::optional<double> lowest_broken_;
  bool doubted_ = false;
  std::vector<double> log_capacities_;  // empty until the search is bracketed
  std::vector<double> weights_;         // of each capacity and spread, summing to one
  // P(kept) of each spread, by the grid's steps from rate to capacity: from the grid's last point to its first on.
  std::vector<double> kept_by_distance_;
};

}  // namespace assay::load
