// How many exchanges succeeded and failed in the last while: counts in buckets of time, the oldest of which goes as a
// whole. So what is counted spans between window - window / buckets and window.
//
// Misuse: many fine buckets for exactness. total() adds all of them up for each answer; ten are enough to decide by.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/runtime/precondition.hpp"
#include "stack/runtime/time.hpp"

namespace assay::guard::breaker {

struct tally {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;

  std::uint64_t all() const { return succeeded + failed; }
  friend bool operator==(const tally&, const tally&) = default;
};

class window {
 public:
  window(duration span, unsigned buckets) : width_(span / buckets), buckets_(buckets) {
    ASSAY_PRECONDITION(width_.count() > 0, "a bucket lasts a nanosecond at least");
  }

  void add(instant now, bool failed) {
    advance(now);
    tally& current = buckets_[index_of(newest_)];
    (failed ? current.failed : current.succeeded)++;
  }

  tally total(instant now) {
    advance(now);
    tally sum;
    for (const tally& each : buckets_) {
      sum.succeeded += each.succeeded;
      sum.failed += each.failed;
    }
    return sum;
  }

  void clear() { buckets_.assign(buckets_.size(), {}); }

 private:
  std::size_t index_of(std::int64_t number) const { return static_cast<std::size_t>(number) % buckets_.size(); }

  // Empties the buckets between the newest and that of `now`: they are those of the last round.
  void advance(instant now) {
    const std::int64_t current = now.time_since_epoch() / width_;
    ASSAY_PRECONDITION(current >= newest_, "time goes forward");
    if (current - newest_ >= static_cast<std::int64_t>(buckets_.size())) {
      clear();
      newest_ = current;
    }
    while (newest_ < current) buckets_[index_of(++newest_)] = {};
  }

  duration width_;
  std::vector<tally> buckets_;
  std::int64_t newest_ = 0;  // the number of the current bucket since the clock's beginning
};

}  // namespace assay::guard::breaker
