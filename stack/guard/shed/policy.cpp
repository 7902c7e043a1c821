#include "stack/guard/shed/policy.hpp"

#include <cassert>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::shed {
namespace {

using namespace std::chrono_literals;

task<result<permit>> wait_for(semaphore& places) { co_return co_await places.acquire(); }

error overloaded(const char* what) {
  return {.code = errc::cancelled, .reason = cancel_reason::overload, .what = what};
}

}  // namespace

checked check(const options& given) {
  return option_check("shed")
      .number("max_in_flight", given.max_in_flight, 1, 1'000'000)
      .number("max_waiting", given.max_waiting, 0, 1'000'000)
      .span("burst_wait", given.burst_wait, 1ms, 60s)
      .span("standing_wait", given.standing_wait, 100us, given.burst_wait)
      .span("retry_after", given.retry_after, 1s, 3600s)
      .outcome();
}

policy::policy(const options& given)
    : options_(given),
      places_(given.max_in_flight, given.max_waiting),
      patience_(given.burst_wait, given.standing_wait) {
  assert(check(given) && "options are checked before they are used");
}

task<result<permit>> policy::admit() {
  permit free_place = places_.try_acquire();
  if (free_place) {
    patience_.on_free_place();
    counters_.admitted++;
    co_return std::move(free_place);
  }
  if (places_.waiters() >= options_.max_waiting) {
    counters_.refused_full++;
    co_return std::unexpected(overloaded("the line for a place is full"));
  }
  const context& ctx = co_await this_context();
  const instant now = ctx.on->turn_time();
  const instant limit = saturating_add(now, patience_.on_joining(now));
  result<permit> place = co_await with_deadline(limit, wait_for(places_));
  if (place) {
    counters_.admitted++;
    counters_.waited++;
  } else if (place.error().code == errc::timed_out && limit < ctx.deadline) {
    counters_.refused_waiting++;
    place = std::unexpected(overloaded("no place came free in time"));
  }
  co_return place;
}

}  // namespace assay::guard::shed
