// What happened to the requests of each interval of a run, by their intended instants, so that a stall shows where it
// hurt and not where it ended: the part that seconds (second_series.hpp) and windows (run_windows.hpp) have in common.
//
// A thread has an interval_recorder: an interval is open while it has requests on their way, so at most one a
// connection is open besides the current one, whatever backlog there is; where requests come in no order, also each
// that has had one and may still have another. Once an interval is over on one thread it goes to the series that all
// threads share; once it is over on all of them the series is told, and forgets it. The lock is taken once an interval,
// never for a request. 36 KiB are kept of each that is open, and some bytes of each that is over on one thread and not
// on all; quantiles are to 1 %.
//
// Misuse: a series whose recorders are of more threads, or fewer, than it was made for: no interval would ever be over.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "lab/load/recorder.hpp"
#include "lab/model/latency_bands.hpp"
#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// What a trial does not keep of a second.
struct second_details {
  std::array<std::uint64_t, failure_kinds> errors{};
  std::uint64_t response_times = 0;  // behind the quantiles
  std::uint64_t own_lag_max_ns = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_late = 0;  // by the generator's fault, and by more than verdict_bounds::own_lag_p99_ns
  model::band_counts bands{};   // of response times; filled when the second is over on every thread

  void add(const second_details& other);
  std::uint64_t failed() const;
};

// An interval while it is open.
struct open_interval {
  std::uint64_t offered = 0;
  std::uint64_t ended = 0;
  std::uint64_t answered = 0;
  second_details details;
  observe::histogram response_time;  // nanoseconds

  open_interval();
  void add(const open_interval& other);
  void reset();
};

class interval_series {
 public:
  // Intervals of that length, above zero, in a run of so long on so many threads; the last may be shorter. A run of
  // length zero has none.
  interval_series(duration run, duration each, unsigned threads);
  virtual ~interval_series() = default;
  interval_series(const interval_series&) = delete;
  interval_series& operator=(const interval_series&) = delete;

  std::size_t size() const { return size_; }
  duration each() const { return each_; }
  // In which of them that is; of what is early, in the first. May be beyond the last.
  std::size_t index_of(duration offset) const {
    return offset <= duration::zero() ? 0 : static_cast<std::size_t>(offset / each_);
  }
  // How many of them a run has that ended then: the others are never over.
  virtual std::size_t begun_by(duration ended) const = 0;

  // One thread's part of an interval, which is over there. Null: nothing was offered in it.
  void close(std::size_t index, std::unique_ptr<open_interval> part);
  // One that is empty, of those that are not needed any more.
  std::unique_ptr<open_interval> take_empty();

 protected:
  // It is over on every thread; null: nothing was offered in it. Each comes once, in any order, one at a time, on the
  // thread that was last.
  virtual void over(std::size_t index, const open_interval* seen) = 0;

 private:
  struct part {
    unsigned threads = 0;  // that have closed it
    std::unique_ptr<open_interval> merged;
  };

  const std::size_t size_;
  const duration each_;
  const unsigned threads_;
  std::mutex mutex_;        // among those that record; it guards the following
  std::deque<part> parts_;  // from first_ on
  std::size_t first_ = 0;   // all before it are over
  std::vector<std::unique_ptr<open_interval>> empty_;
};

class interval_recorder {
 public:
  explicit interval_recorder(interval_series& into) : series_(into) {}
  interval_recorder(interval_recorder&&) noexcept = default;  // moved by vectors, not copied

  // An arrival is taken from the schedule; they come in order. A broadcast is as many as it has deliveries.
  void offered(duration offset, std::uint64_t times = 1);
  // One of those that come in no order, as the steps of sessions do: what comes after it is for `from` or later.
  void offered(duration offset, duration from);
  // What comes is for `from` or later.
  void none_before(duration from) { pass(series_.index_of(from)); }
  // It was sent, so much later than it could have been.
  void sent(duration offset, duration own_lag);
  // It has ended, or so many of them: answered or not, and how it failed and with which response time it is charged, if
  // any.
  void ended(duration offset, bool answered, std::optional<failure_kind> error, std::optional<duration> response_time,
             std::uint64_t times = 1);
  // No more arrivals, of a run that sent for so long; what is on its way still ends.
  void finish(duration sent_for = duration::max());

 private:
  std::unique_ptr<open_interval>& at(std::size_t index) { return open_[index - first_]; }
  void count(std::size_t index, std::uint64_t times);
  void pass(std::size_t index);
  void close(std::size_t index);

  interval_series& series_;
  std::deque<std::unique_ptr<open_interval>> open_;  // from first_ on; null: nothing was offered, or it is closed
  std::size_t first_ = 0;                            // all before it are closed
  std::size_t current_ = 0;                          // what comes is for this one or later
};

}  // namespace assay::load
