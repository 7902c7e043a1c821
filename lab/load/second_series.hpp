// What happened to the requests of each second of a run (interval_series.hpp): the rows of --ndjson, the terminal view,
// and what a burst and a trial are judged by.
//
// Some 290 bytes a second are kept. Where all that read them follow the run, the latest latest_seconds of them are: 1
// MiB, however long it is. Who needs them all afterwards, a run with bursts or a trial, is no longer than
// max_series_length: 25 MiB. No reader takes a lock: a second that is over is published, and one that is read while it
// gives way to a later one reads as gone.
//
// Misuse: reading seconds() while threads still record, or of a series that keeps the latest only.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "lab/load/interval_series.hpp"
#include "lab/load/published.hpp"
#include "lab/load/rate_curve.hpp"
#include "lab/model/trial.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// A day: what a run may be long whose seconds are all kept.
inline constexpr duration max_series_length = std::chrono::hours(24);
inline constexpr std::size_t all_seconds = std::numeric_limits<std::size_t>::max();
// An hour: so far may who reads them be behind the run.
inline constexpr std::size_t latest_seconds = 3600;

// In which second of a run that is; of what is early, in its first.
inline std::size_t second_of(duration offset) {
  return offset <= duration::zero() ? 0 : static_cast<std::size_t>(offset / std::chrono::seconds(1));
}

// A burst is judged by those before and after it, when the run has ended; without one who reads them follows the run.
std::size_t seconds_to_keep(std::span<const stage> stages);

using second_recorder = interval_recorder;

class second_series final : public interval_series {
 public:
  // A run of that length on so many threads, of which the latest `kept` seconds are kept; a length of zero keeps
  // nothing.
  second_series(duration length, unsigned threads, std::size_t kept = all_seconds);

  // True when it is over on every thread, and kept: then both of what it holds may be read, from any thread.
  bool is_over(std::size_t index) const { return at(index).version() == index + 1; }
  // It was over, and later ones are kept in its place.
  bool is_gone(std::size_t index) const { return at(index).version() > index + 1; }
  struct told {
    model::load_second sums;
    second_details details;
  };
  // Nothing when it is not over, or gone.
  std::optional<told> read(std::size_t index) const { return at(index).read(index + 1); }
  // Of one that is over, and stays so.
  model::load_second sums(std::size_t index) const { return read(index).value().sums; }
  second_details details(std::size_t index) const { return read(index).value().details; }
  // The latest second that is over on every thread; nothing before the first is.
  std::optional<model::load_second> last() const;
  // Those that are not over, as of a run that ended early, are empty.
  std::vector<model::load_second> seconds() const;
  // One more than has begun: threads hear of an early end one after the other.
  std::size_t begun_by(duration ended) const override;

 private:
  void over(std::size_t index, const open_interval* seen) override;
  const published<told>& at(std::size_t index) const { return kept_[index % kept_.size()]; }

  std::vector<published<told>> kept_;      // by second, modulo their number; not empty
  std::atomic<std::size_t> overs_end_{0};  // the latest that is over, and one
};

}  // namespace assay::load
