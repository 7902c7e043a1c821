// A capacity search on a real service: one load run after the other, each judged by the gates.
//
// A run that is INVALID says nothing about the service. It is made again; when it stays INVALID, this machine cannot
// send so much, and no higher rate is tried: soon when the generator was out of CPU, patiently when it was merely late.
// The generator may be late by a twentieth of the tightest objective.
//
// Misuse: a service that remembers being overloaded (queues that outlive their clients, a breaker that stays open):
// the pause between runs is short, and what is found is the capacity after an overload.
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

class capacity_finder {
 public:
  // `base` says everything but the rate: its length is that of one run. Both have been checked.
  // `on_run` is told each run when it has ended, on the thread of find().
  capacity_finder(load_options base, std::vector<gate> gates, const capacity_options& search,
                  std::function<void(const model::capacity_run&)> on_run);

  // Blocks until it has ended. The error is one line: the service cannot be reached, or nothing valid was measured.
  std::expected<model::capacity_result, std::string> find();
  // Ends it early with what is known by then; from any thread, any number of times.
  void stop();

 private:
  std::expected<model::load_result, std::string> run_at(double rate_rps);
  bool take(double rate_rps, model::load_result seen);
  bool generator_is_limit(double rate_rps);
  void pause();
  bool stopping();

  load_options base_;
  std::vector<gate> gates_;
  capacity_search search_;
  std::function<void(const model::capacity_run&)> on_run_;
  model::capacity_result found_;
  std::mutex mutex_;  // guards the following
  std::condition_variable stopped_;
  bool stopping_ = false;
  load_engine* running_ = nullptr;
};

}  // namespace assay::load
