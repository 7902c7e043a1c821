#include "stack/guard/shed/policy.hpp"

#include <algorithm>
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
      limit_(given.max_in_flight),
      places_(given.max_in_flight, given.max_waiting),
      patience_(given.burst_wait, given.standing_wait),
      backlog_(given.burst_wait, given.standing_wait) {
  assert(check(given) && "options are checked before they are used");
}

door policy::admit_at_once(const context& ctx, std::optional<place>& held) {
  if (!backlog_.admits(ctx.on->turn_time(), ctx.on->now(), ctx.on->counters().waited)) {
    counters_.refused_behind++;
    return door::refused_behind;
  }
  if (permit free_place = places_.try_acquire()) {
    patience_.on_free_place();
    counters_.admitted++;
    held.emplace(place(this, std::move(free_place)));
    return door::admitted;
  }
  if (places_.waiters() < options_.max_waiting) return door::line;
  counters_.refused_full++;
  return door::refused_full;
}

task<result<place>> policy::wait_in_line() {
  const context& ctx = co_await this_context();
  const instant now = ctx.on->turn_time();
  const instant limit = saturating_add(now, patience_.on_joining(now));
  result<permit> given = co_await with_deadline(limit, wait_for(places_));
  if (given) {
    counters_.admitted++;
    counters_.waited++;
    co_return place(this, std::move(*given));
  }
  if (given.error().code == errc::timed_out && limit < ctx.deadline) {
    counters_.refused_waiting++;
    co_return std::unexpected(overloaded("no place came free in time"));
  }
  co_return std::unexpected(given.error());
}

task<result<place>> policy::admit() {
  std::optional<place> held;
  switch (admit_at_once(co_await this_context(), held)) {
    case door::admitted:
      co_return std::move(*held);
    case door::line:
      co_return co_await wait_in_line();
    case door::refused_behind:
      co_return std::unexpected(overloaded("the loop is behind"));
    case door::refused_full:
      co_return std::unexpected(overloaded("the line for a place is full"));
  }
}

void policy::limit_to(std::size_t in_flight) {
  limit_ = std::clamp<std::size_t>(in_flight, 1, options_.max_in_flight);
  while (withheld_.size() > to_withhold()) withheld_.pop_back();  // to the next in line
  while (withheld_.size() < to_withhold()) {
    permit free_place = places_.try_acquire();
    if (!free_place) break;
    withheld_.push_back(std::move(free_place));
  }
}

}  // namespace assay::guard::shed
