// What happened to the requests of each second of a run, by their intended instants, so that a stall shows where it
// hurt and not where it ended.
//
// A thread has a second_recorder: a second is open while it has requests on their way, so at most one second a
// connection is open besides the current one, whatever backlog there is. Once a second is over it goes to the series
// that all threads share; that lock is taken once a second, never for a request. About 80 bytes a second are kept, and
// 36 KiB a second that is open. Quantiles are to 1 %.
//
// Misuse: reading seconds() while threads still record; last() is for that.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "lab/model/trial.hpp"
#include "stack/observe/histogram.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// A day: what a series may be long.
inline constexpr duration max_series_length = std::chrono::hours(24);

// A second while it is open.
struct open_second {
  std::uint64_t offered = 0;
  std::uint64_t ended = 0;
  std::uint64_t answered = 0;
  std::uint64_t errors = 0;
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

  // The latest second that is over on every thread; nothing before the first is.
  std::optional<model::load_second> last() const;
  const std::vector<model::load_second>& seconds() const { return seconds_; }

 private:
  struct part {
    unsigned threads = 0;  // that have closed it
    std::unique_ptr<open_second> merged;
  };

  unsigned threads_;
  mutable std::mutex mutex_;  // guards the following while threads record
  std::vector<part> parts_;
  std::vector<model::load_second> seconds_;
  std::vector<std::unique_ptr<open_second>> empty_;
  std::optional<std::size_t> last_;
};

class second_recorder {
 public:
  explicit second_recorder(second_series& into) : series_(into), open_(into.size()) {}

  // An arrival is taken from the schedule; they come in order.
  void offered(duration offset);
  // It has ended: answered or not, with the response time it is charged with, if any.
  void ended(duration offset, bool answered, bool error, std::optional<duration> response_time);
  // No more arrivals; what is on its way still ends.
  void finish();

 private:
  void close(std::size_t index);

  second_series& series_;
  std::vector<std::unique_ptr<open_second>> open_;  // by second
  std::size_t current_ = 0;
};

}  // namespace assay::load
