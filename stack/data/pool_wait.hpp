// What every pool of connections does alike when there is none for a caller: he stands in line, and a server that is
// away is left alone.
//
// Misuse: wait_in_line() without having tried first. It counts a wait.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <random>
#include <utility>

#include "stack/runtime/loop.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::data {

struct no_place {
  enum class why : std::uint8_t { line_full, none_came_free, gave_up };
  why reason = why::gave_up;
  error failure;  // of the wait
};

namespace detail {
inline task<result<permit>> acquire_from(semaphore* places) { co_return co_await places->acquire(); }
}  // namespace detail

// Waits for at most `limit_span`, and counts waits, waited, wait_timeouts and refused_waiters.
template <class Counters>
task<std::expected<permit, no_place>> wait_in_line(semaphore* places, duration limit_span, Counters* counted) {
  const context& ctx = co_await this_context();
  const instant began = ctx.on->turn_time();
  const instant limit = saturating_add(began, limit_span);
  counted->waits++;
  result<permit> waited = co_await with_deadline(limit, detail::acquire_from(places));
  counted->waited += ctx.on->turn_time() - began;
  if (waited) co_return std::move(*waited);
  no_place refused{.failure = waited.error()};
  if (waited.error().code == errc::limit) {
    counted->refused_waiters++;
    refused.reason = no_place::why::line_full;
  } else if (waited.error().code == errc::timed_out && limit <= ctx.deadline) {
    counted->wait_timeouts++;
    refused.reason = no_place::why::none_came_free;
  }
  co_return std::unexpected(refused);
}

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

}  // namespace assay::data
