// How long to wait before a retry, and whether there may be one at all.
//
// Full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015): uniform between nothing and a
// limit that doubles. Clients that failed together do not come back together.
//
// The budget is gRPC's (proposal A6, "retry throttling"): a failure takes a token, a success gives a part of one back,
// and with half of them or less there are no retries. Against a host that fails for good, a client sends at most
// max_tokens / 2 more than without retries; while all goes well, at most milli_tokens_per_success / 1000 more.
//
// Misuse: a budget for each request. It bounds nothing then; it belongs to the host.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "stack/runtime/time.hpp"

namespace assay::guard::retry {

class backoff {
 public:
  backoff(duration base, duration most, std::uint64_t seed) : base_(base), most_(most), random_(seed) {}

  // Before the first retry this is `base`, before each further one twice as much, up to `most`.
  duration limit(unsigned retry_number) const {
    duration limit = base_;
    for (unsigned doubled = 1; doubled < retry_number && limit < most_; ++doubled) limit *= 2;
    return std::min(limit, most_);
  }

  duration before(unsigned retry_number) {
    return duration(std::uniform_int_distribution<duration::rep>(0, limit(retry_number).count())(random_));
  }

 private:
  duration base_;
  duration most_;
  std::mt19937_64 random_;
};

class budget {
 public:
  budget(std::uint64_t max_tokens, std::uint64_t milli_tokens_per_success)
      : most_milli_(max_tokens * 1000), gain_milli_(milli_tokens_per_success), milli_(most_milli_) {}

  void on_success() { milli_ = std::min(milli_ + gain_milli_, most_milli_); }
  void on_failure() { milli_ -= std::min<std::uint64_t>(milli_, 1000); }
  double tokens() const { return static_cast<double>(milli_) / 1000; }
  bool allows_retry() const { return milli_ > most_milli_ / 2; }

 private:
  std::uint64_t most_milli_;
  std::uint64_t gain_milli_;
  std::uint64_t milli_;
};

}  // namespace assay::guard::retry
