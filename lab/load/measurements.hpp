// All that one generator thread measures in a run: a recorder for each route in each phase, the seconds, and the
// writes that will be reconciled. A request is recorded where its intended instant lies, whenever it ends.
//
// Misuse: sharing one between threads; reading it while its thread runs.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "lab/load/answer_checks.hpp"
#include "lab/load/own_stalls.hpp"
#include "lab/load/realised_sends.hpp"
#include "lab/load/recorder.hpp"
#include "lab/load/run_parts.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/span.hpp"
#include "lab/load/stall_watch.hpp"
#include "lab/load/workload.hpp"
#include "lab/load/write_log.hpp"

namespace assay::load {

// One arrival on its way: when it was meant, which it is, and where it is recorded.
struct arrival {
  instant intended = never;
  std::uint64_t k = 0;
  unsigned stage = 0;
  unsigned route = 0;
  recorder* into = nullptr;
};

class measurements {
 public:
  // `series` is null when the workload keeps no seconds, `windows` when it has no objectives of them. `watch` is the
  // thread's own, and is begun and ended with this.
  measurements(const workload& of, second_series* series, stall_watch* watch = nullptr, run_windows* windows = nullptr);

  // When offsets count from; before the first arrival.
  void begin(instant start) {
    start_ = start;
    if (watch_ != nullptr) watch_->begin();
  }
  // An arrival is taken from the schedule; `taken` says when and which, its record is found here.
  void offered(arrival& taken);
  // One of those that come in no order: what comes after it is meant for `from` or later.
  void offered(arrival& taken, instant from);
  // It is sent now, and by the generator's fault so late: see recorder::lags().
  void lags(const arrival& of, instant idle_since, instant blind_until, instant now);
  // False when its route does not expect that status, or a check of the answer failed.
  bool answered(const arrival& of, instant sent, instant now, const answer& got, bool within_run);
  // It was sent and will not be answered.
  void failed(failure_kind kind, const arrival& of, instant sent, instant now, bool charged);
  // It was not sent now. `before` says that it had been once, on a connection that was closing.
  void not_sent(failure_kind kind, const arrival& of, instant now, bool charged, bool before);
  // So many arrivals that were never sent, of one stage, second and window: charged as if all were meant for the
  // instant of `like`, and to the routes by their shares.
  void not_sent_many(failure_kind kind, const arrival& like, instant now, std::uint64_t count);
  // What was meant for `unsent_from` or later was not sent.
  void sending_reached(instant unsent_from) {
    if (realised_) realised_->reached(unsent_from - start_);
  }
  // No more arrivals are taken; sending ended then.
  void finish(instant ended) {
    if (seconds_) seconds_->finish(ended - start_);
    if (windows_) windows_->finish(ended - start_);
    if (watch_ == nullptr) return;
    watch_->end();
    stalls.saw(watch_->count(), watch_->longest(), watch_->total());
    watch_ = nullptr;  // who reads this may outlive it
  }

  const recorder& of(std::size_t stage, std::size_t route) const { return *cells_[stage * routes_ + route]; }
  recorder total() const;
  // The response times of that route, or where there are several stages, of all routes in that stage. Null where none
  // are kept: what changes on purpose has no intervals.
  const run_parts* parts(std::size_t stage, std::size_t route) const {
    return parts_.empty() ? nullptr : parts_[part_index(stage, route)].get();
  }
  // Of arrivals whose law is tested; else null.
  const realised_sends* realised() const { return realised_ ? &*realised_ : nullptr; }
  const write_log& writes() const { return writes_; }

  std::uint64_t connects = 0;
  std::uint64_t received_bytes = 0;
  observe::histogram connect_time = observe::histogram::with_defaults();
  observe::histogram first_byte = observe::histogram::with_defaults();  // of answers, from the send
  std::uint64_t stamped_answers = 0;                                    // by the kernel, with when they came
  stall_record stalls;

 private:
  // A route of several stages has no even load, and a stage's routes share its intervals: so there are as many of them
  // as routes or as stages, and not as their product.
  std::size_t part_index(std::size_t stage, std::size_t route) const { return several_stages_ ? stage : route; }
  void keep_in_parts(const arrival& of, duration response, std::uint64_t times = 1) {
    if (parts_.empty()) return;
    run_parts* const into = parts_[part_index(of.stage, of.route)].get();
    if (into != nullptr) into->record(of.intended - start_, response, times);
  }
  // A response time that this thread can have made longer itself.
  void count_stall(const arrival& of, instant sent, instant now, bool by_kernel, instant followed_at = instant::min()) {
    if (watch_ == nullptr) return;
    const duration own = watch_->added(of.intended, sent, now, by_kernel) + watch_->added_between(sent, followed_at);
    const duration added = std::min(own, now - of.intended);
    if (added > duration::zero()) stalls.touched(now - of.intended, added);
  }
  void count(arrival& taken);
  void end_in_interval(const arrival& of, instant now, bool was_answered, std::optional<failure_kind> error,
                       bool charged);

  const request_source* requests_;
  stall_watch* watch_;
  std::size_t routes_;
  bool several_stages_;
  duration timeout_;
  std::vector<std::unique_ptr<recorder>> cells_;  // stage by stage
  std::optional<second_recorder> seconds_;
  std::vector<std::unique_ptr<run_parts>> parts_;  // see part_index()
  std::optional<window_recorders> windows_;
  std::optional<realised_sends> realised_;
  write_log writes_;
  instant start_{};
  double many_from_ = 0;  // where among the shares the next of many begin: 0 to 1
};

inline void measurements::count(arrival& taken) {
  taken.into = cells_[taken.stage * routes_ + taken.route].get();
  taken.into->offered++;
}

inline void measurements::offered(arrival& taken) {
  count(taken);
  if (seconds_) seconds_->offered(taken.intended - start_);
  if (windows_) windows_->offered(taken.route, taken.intended - start_);
}

inline void measurements::offered(arrival& taken, instant from) {
  count(taken);
  if (seconds_) seconds_->offered(taken.intended - start_, from - start_);
  if (windows_) windows_->offered(taken.route, taken.intended - start_, from - start_);
}

inline void measurements::lags(const arrival& of, instant idle_since, instant blind_until, instant now) {
  const duration own = of.into->lags(of.intended, idle_since, blind_until, now);
  if (realised_) realised_->sent(of.k, of.intended - start_, own);
  if (seconds_) seconds_->sent(of.intended - start_, own);
}

inline bool measurements::answered(const arrival& of, instant sent, instant now, const answer& got, bool within_run) {
  const request_source::route& route = (*requests_)[of.route];
  const std::optional<failure_kind> error =
      route.expected[static_cast<std::size_t>(got.status)] ? got.failed_check : classify_unexpected(got);
  of.into->answered(
      of.intended, sent, now,
      {.status = got.status, .error = error, .within_run = within_run, .in_time = now - of.intended <= timeout_});
  first_byte.record(nanoseconds(std::max(got.head_at, sent) - sent));
  if (seconds_ || windows_) end_in_interval(of, now, true, error, true);
  keep_in_parts(of, now - of.intended);
  const bool is_stamped = got.received_at != lent_buffer::unknown;
  if (is_stamped) stamped_answers++;
  count_stall(of, sent, now, is_stamped, got.followed_at);
  if (route.key) writes_.add(of.k, of.route, write_log::outcome_of(got.status));
  return !error;
}

}  // namespace assay::load
