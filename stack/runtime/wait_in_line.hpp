// What every pool of connections does alike when there is none free for a caller: he stands in line, for as long as the
// pool lets him and no longer.
//
//   auto place = co_await wait_in_line(&places, options.wait_timeout, &counters);   // when try_acquire() gave none
//
// Misuse: without having tried first. It counts a wait.
#pragma once

#include <cstdint>
#include <expected>
#include <utility>

#include "stack/runtime/loop.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay {

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

}  // namespace assay
