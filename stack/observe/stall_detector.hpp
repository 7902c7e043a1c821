// When a loop that works counts as stalled, when that is worth a report, and when the process should leave the
// rotation. A state machine of one loop without a clock; the watchdog asks it at each tick.
//
// A loop works from the return of a wait to the next one: its busy segment. A segment of report_after is a stall, one
// of unready_after makes the loop not ready, and it is ready again after recover_after without a stall, so that an
// instance that stalls every second does not come and go.
//
// Whoever has met a segment asks again when next_look_in() says, and so meets the stall that it may become, and its end
// to within report_after. Segments have to be met while they last: each of report_after at least once.
//
// Misuse: asking more seldom than that. Stalls in between are not seen.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "stack/runtime/time.hpp"

namespace assay::observe {

struct stall_options {
  duration report_after = std::chrono::milliseconds(25);
  duration unready_after = std::chrono::seconds(2);
  duration recover_after = std::chrono::seconds(5);
  unsigned reports_per_minute = 5;
};

class stall_detector {
 public:
  explicit stall_detector(const stall_options& options) : options_(options) {}

  struct verdict {
    duration lag{};                 // how long what is ready now has waited at least; 0 when the loop waits
    bool begins = false;            // a stall, with this look
    bool report = false;            // and it is to be reported
    std::uint64_t unreported = 0;   // stalls since the last report, with report
    std::optional<duration> ended;  // a stall, which lasted for that long at least
    bool readiness_changed = false;
  };

  // `busy_since`: of the segment that lasts; none while the loop waits in the kernel.
  verdict look(instant now, std::optional<instant> busy_since) {
    verdict said;
    if (busy_since != segment_) {
      if (stalled_) said.ended = last_lag_;
      if (stalled_) stall_ended_at_ = now;
      stalled_ = false;
      segment_ = busy_since;
    }
    // A segment may have begun after `now` was read.
    said.lag = last_lag_ = segment_ ? std::max(now - *segment_, duration::zero()) : duration::zero();
    if (!stalled_ && said.lag >= options_.report_after) {
      stalled_ = said.begins = true;
      said.report = admit_report(now);
      said.unreported = said.report ? std::exchange(unreported_, 0) : unreported_++;
    }
    const bool was_ready = ready_;
    if (said.lag >= options_.unready_after) ready_ = false;
    if (!ready_ && !stalled_ && now - stall_ended_at_ >= options_.recover_after) ready_ = true;
    said.readiness_changed = ready_ != was_ready;
    return said;
  }

  bool ready() const { return ready_; }
  bool stalled() const { return stalled_; }  // as of the last look

  // From the last look on: when the segment that it met will have become a stall, if it goes on; of a stall, when to
  // see whether it has ended. None where the loop was idle.
  std::optional<duration> next_look_in() const {
    if (!segment_) return std::nullopt;
    return stalled_ ? options_.report_after : options_.report_after - last_lag_;
  }

 private:
  bool admit_report(instant now) {
    constexpr duration a_minute = std::chrono::minutes(1);
    const instant due = std::max(report_due_, now) + a_minute / std::max(options_.reports_per_minute, 1U);
    if (due - now > a_minute) return false;
    report_due_ = due;
    return true;
  }

  stall_options options_;
  std::optional<instant> segment_;
  duration last_lag_{};
  bool stalled_ = false;
  bool ready_ = true;
  instant stall_ended_at_{};
  instant report_due_{};
  std::uint64_t unreported_ = 0;
};

}  // namespace assay::observe
