// What came of the objectives that are to hold in every window of a run's time, where a bad minute of a good hour would
// not show in the whole: of the run, or of one of its requests, by the intended instants.
//
// A window is kept until it is over on every thread (interval_series.hpp): a histogram of 36 KiB for the run, and for
// each request that an objective is of, in each window in which one of theirs is on its way, which are no more than
// there are connections, and in the current one. Then each objective is told what its value was, and keeps the worst
// and some counts: the same memory however long the run is. Quantiles are to 1 %.
//
// Misuse: outcomes() before the threads have ended.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "lab/load/gate_text.hpp"
#include "lab/load/interval_series.hpp"
#include "lab/load/workload.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

// The windows of a run, or of one of its requests.
class window_series final : public interval_series {
 public:
  // Of a run of that length on so many threads. The gates are all of windows of one length.
  window_series(duration run, unsigned threads, std::vector<gate> gates);

  const std::vector<model::window_outcome>& outcomes() const { return outcomes_; }
  // Those that were whole.
  std::size_t begun_by(duration ended) const override;

 private:
  void over(std::size_t index, const open_interval* seen) override;

  std::size_t whole_;
  std::vector<gate> gates_;
  std::vector<model::window_outcome> outcomes_;  // of each
};

// Those of a workload, shared by its threads.
class run_windows {
 public:
  explicit run_windows(const workload& of);

  bool any() const { return run_ != nullptr || !routes_.empty(); }
  // In the order of their gates: those of the run, and then of each request.
  std::vector<model::window_outcome> outcomes() const;

 private:
  friend class window_recorders;
  std::unique_ptr<window_series> run_;                  // null where no objective is of it
  std::vector<std::unique_ptr<window_series>> routes_;  // by request, likewise; empty where all are null
};

// What one thread tells them.
class window_recorders {
 public:
  explicit window_recorders(run_windows& into);

  // As interval_recorder, of a request.
  void offered(std::size_t route, duration offset, std::uint64_t times = 1);
  void offered(std::size_t route, duration offset, duration from);
  void ended(std::size_t route, duration offset, bool answered, std::optional<failure_kind> error,
             std::optional<duration> response_time, std::uint64_t times = 1);
  void finish(duration sent_for);

 private:
  template <class Do>
  void each_of(std::size_t route, const Do& what) {
    if (run_) what(*run_);
    if (route < routes_.size() && routes_[route]) what(*routes_[route]);
  }
  // A request that is rare holds up no window: they are over when the thread has come past them.
  void pass(duration from);

  duration each_{};
  std::size_t passed_ = 0;
  std::optional<interval_recorder> run_;
  std::vector<std::optional<interval_recorder>> routes_;
};

}  // namespace assay::load
