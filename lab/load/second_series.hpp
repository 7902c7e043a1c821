// What happened to the requests of each second of a run, by their intended instants, so that a stall shows where it
// hurt and not where it ended.
//
// A thread has a second_recorder: a second is open while it has requests on their way, so at most one second a
// connection is open besides the current one, whatever backlog there is; where requests come in no order, also each
// second that has had one and may still have another. Once a second is over it goes to the series that all threads
// share; that lock is taken once a second, never for a request, and by no reader: a second that is over is not written
// again, and says so by a flag. About 290 bytes a second are kept, and 36 KiB a second that is open. Quantiles are to
// 1 %.
//
// Misuse: reading seconds() while threads still record; last(), and sums() of a second that is_over(), are for that.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "lab/load/recorder.hpp"
#include "lab/model/latency_bands.hpp"
#include "lab/model/trial.hpp"
#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// A day: what a series may be long.
inline constexpr duration max_series_length = std::chrono::hours(24);

// In which second of a run that is; of what is early, in its first.
inline std::size_t second_of(duration offset) {
  return offset <= duration::zero() ? 0 : static_cast<std::size_t>(offset / std::chrono::seconds(1));
}

// What a trial does not keep of a second.
struct second_details {
  std::array<std::uint64_t, failure_kinds> errors{};
  std::uint64_t response_times = 0;  // behind the quantiles
  std::uint64_t own_lag_max_ns = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_late = 0;  // by the generator's fault, and by more than verdict_bounds::own_lag_p99_ns
  model::band_counts bands{};   // of response times; filled when the second is over on every thread

  void add(const second_details& other);
};

// A second while it is open.
struct open_second {
  std::uint64_t offered = 0;
  std::uint64_t ended = 0;
  std::uint64_t answered = 0;
  second_details details;
  observe::histogram response_time;  // nanoseconds

  open_second();
  void reset();
};

class second_series {
 public:
  // A run of that length on so many threads; a length of zero keeps nothing.
  second_series(duration length, unsigned threads);

  std::size_t size() const { return parts_.size(); }
  // One thread's part of second `index`, which is over there. Null: nothing was offered in it.
  void close(std::size_t index, std::unique_ptr<open_second> part);
  // One that is empty, of those that are not needed any more.
  std::unique_ptr<open_second> take_empty();

  // True when it is over on every thread: then both of what it holds may be read, from any thread.
  bool is_over(std::size_t index) const { return over_[index].load(std::memory_order_acquire); }
  const model::load_second& sums(std::size_t index) const { return seconds_[index]; }
  const second_details& details(std::size_t index) const { return details_[index]; }
  // The latest second that is over on every thread; nothing before the first is.
  std::optional<model::load_second> last() const;
  const std::vector<model::load_second>& seconds() const { return seconds_; }

 private:
  struct part {
    unsigned threads = 0;  // that have closed it
    std::unique_ptr<open_second> merged;
  };

  void conclude(std::size_t index);

  unsigned threads_;
  std::vector<std::atomic<bool>> over_;
  std::atomic<std::size_t> overs_end_{0};  // the latest that is over, and one
  std::mutex mutex_;                       // among those that record; it guards the following
  std::vector<part> parts_;
  std::vector<model::load_second> seconds_;  // with its flag in over_ set, everybody's to read, and so the next
  std::vector<second_details> details_;
  std::vector<std::unique_ptr<open_second>> empty_;
};

class second_recorder {
 public:
  explicit second_recorder(second_series& into) : series_(into), open_(into.size()) {}

  // An arrival is taken from the schedule; they come in order. A broadcast is as many as it has deliveries.
  void offered(duration offset, std::uint64_t times = 1);
  // One of those that come in no order, as the steps of sessions do: what comes after it is for `from` or later.
  void offered(duration offset, duration from);
  // It was sent, so much later than it could have been.
  void sent(duration offset, duration own_lag);
  // It has ended, or so many of them: answered or not, and how it failed and with which response time it is charged, if
  // any.
  void ended(duration offset, bool answered, std::optional<failure_kind> error, std::optional<duration> response_time,
             std::uint64_t times = 1);
  // No more arrivals; what is on its way still ends.
  void finish();

 private:
  void count(std::size_t index, std::uint64_t times);
  void pass(std::size_t index);
  void close(std::size_t index);

  second_series& series_;
  std::vector<std::unique_ptr<open_second>> open_;  // by second
  std::size_t current_ = 0;
};

}  // namespace assay::load
