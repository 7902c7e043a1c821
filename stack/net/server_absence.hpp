// What pools of connections do alike when their server is away: it is left alone.
//
// Misuse: one for two servers. The one that answers would hide the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>

#include "stack/runtime/time.hpp"

namespace assay::net {

// A server that could not be reached: one attempt at a time is made to connect, after pauses that grow, and whoever
// comes meanwhile is told at once.
class server_absence {
 public:
  server_absence(duration least, duration most, std::optional<std::uint64_t> seed)
      : least_(least), most_(most), random_(seed ? *seed : std::random_device{}()) {}

  bool refuses(instant now) const { return backoff_ > duration::zero() && (probing_ || now < try_again_); }

  // Around an attempt: whether it is the one that is made while the server is away.
  bool begin_attempt() {
    const bool probes = backoff_ > duration::zero();
    probing_ = probing_ || probes;
    return probes;
  }
  void end_attempt(bool probed) {
    if (probed) probing_ = false;
  }
  void on_reached() { backoff_ = duration::zero(); }
  void on_failed(instant now) {
    if (now < try_again_) return;
    backoff_ = std::clamp(backoff_ * 2, least_, most_);
    try_again_ = saturating_add(now, part_of(backoff_, 0.5));
  }

  // A random part of `span`, at least `least` of it.
  duration part_of(duration span, double least) {
    const double part = std::uniform_real_distribution<>(least, 1)(random_);
    return duration(static_cast<duration::rep>(static_cast<double>(span.count()) * part));
  }

 private:
  duration least_;
  duration most_;
  std::mt19937_64 random_;
  duration backoff_{};  // zero while the server answers
  instant try_again_{};
  bool probing_ = false;
};

}  // namespace assay::net
