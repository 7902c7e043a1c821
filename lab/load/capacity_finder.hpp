// A capacity search on a real service: one load run after the other, each judged by the gates.
//
// A run that is INVALID says nothing about the service. It is made again; when it stays INVALID, this machine cannot
// send so much, and no higher rate is tried: soon when the generator was out of CPU, patiently when it was merely late.
// The generator may be late by a twentieth of the tightest objective.
//
// A run whose objectives were not kept for want of connections is made again with twice as many, up to a limit, and the
// following ones too: what is looked for is the service's capacity, and not that of a pool.
//
// When the capacity is known, a few runs more show what becomes of the service beyond it, and one how it recovers
// (capacity_curve.hpp). They do not change what was found, and what keeps them from being made is a remark.
//
// Misuse: a service that remembers being overloaded (queues that outlive their clients, a breaker that stays open):
// the pause between runs is short, and what is found is the capacity after an overload. The recovery tells it.
#pragma once

#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "lab/load/capacity_search.hpp"
#include "lab/load/engine.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/options.hpp"
#include "lab/model/capacity.hpp"

namespace assay::load {

// Below this rate a run of the plan is too short for an objective's percentile, however far it is stretched; zero
// without one. Of one of several requests a run has as many as its share says.
double least_tellable_rps(const std::vector<gate>& gates, const load_plan& plan);

// How the search is made, beside its rates.
struct finder_options {
  std::size_t curve_points = 0;   // none, or from 2 to most_curve_points
  unsigned most_connections = 0;  // doubled up to so many; fewer than the base has: never
};

class capacity_finder {
 public:
  // `base` says everything but the rate, which is any: its length is that of one run. It and the gates have been
  // checked. `on_run` is told each run when it has ended, those of the curve too, on the thread of find().
  capacity_finder(const load_plan& base, std::vector<gate> gates, const capacity_options& search,
                  const finder_options& options, std::function<void(const model::capacity_run&)> on_run);

  // Blocks until it has ended. The error is one line: the service cannot be reached, or nothing valid was measured.
  std::expected<model::capacity_result, std::string> find();
  // Ends it early with what is known by then; from any thread, any number of times.
  void stop();

 private:
  load_options options_at(double rate_rps) const;
  std::expected<model::load_result, std::string> run(load_options options);
  void add(double rate_rps, bool kept, model::load_result seen, std::vector<model::capacity_run>& into);
  bool take(double rate_rps, model::load_result seen);
  std::expected<void, std::string> search();
  void draw_curve();
  void watch_recovery();
  double most_rps() const;
  bool generator_is_limit(double rate_rps);
  bool add_connections(model::load_result& seen);
  bool take_connections_back();
  void pause();
  bool stopping();

  load_options base_;
  double requests_needed_;       // of a run, for the objectives' percentiles
  unsigned proven_connections_;  // of the last valid run
  std::vector<gate> gates_;
  capacity_search search_;
  double asked_most_rps_;
  finder_options options_;
  std::uint64_t runs_made_ = 0;
  std::function<void(const model::capacity_run&)> on_run_;
  model::capacity_result found_;
  std::mutex mutex_;  // guards the following
  std::condition_variable stopped_;
  bool stopping_ = false;
  load_engine* running_ = nullptr;
};

}  // namespace assay::load
