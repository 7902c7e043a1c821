#include "stack/guard/bulkhead/policy.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/runtime/loop.hpp"

namespace assay::guard::bulkhead {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t max_name_bytes = 64;

task<result<permit>> wait_for(semaphore& places) { co_return co_await places.acquire(); }

error full(const char* what) { return {.code = errc::limit, .what = what}; }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= max_name_bytes && std::ranges::all_of(text, fits);
}

}  // namespace

checked check(const options& given) {
  const bool named = is_name(given.name);
  return option_check(named ? "bulkhead(" + given.name + ")" : "bulkhead")
      .that(named, "name", "\"" + given.name + "\"", "1 to 64 of a-z, 0-9, '_', '-' and '.'")
      .number("max_in_flight", given.max_in_flight, 1, 1'000'000)
      .number("max_waiting", given.max_waiting, 0, 1'000'000)
      .span("max_wait", given.max_wait, 1ms, 60s)
      .span("retry_after", given.retry_after, 1s, 3600s)
      .outcome();
}

policy::policy(const options& given) : options_(given), places_(given.max_in_flight, given.max_waiting) {
  assert(check(given) && "options are checked before they are used");
}

permit policy::enter_at_once() {
  permit free_place = places_.try_acquire();
  if (free_place) counters_.entered++;
  return free_place;
}

task<result<permit>> policy::enter() {
  if (permit free_place = enter_at_once()) co_return std::move(free_place);
  co_return co_await wait_in_line();
}

task<result<permit>> policy::wait_in_line() {
  if (places_.waiters() >= options_.max_waiting) {
    counters_.refused_full++;
    co_return std::unexpected(full("the bulkhead is full"));
  }
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.max_wait);
  result<permit> place = co_await with_deadline(limit, wait_for(places_));
  if (place) {
    counters_.entered++;
    counters_.waited++;
  } else if (place.error().code == errc::timed_out && limit < ctx.deadline) {
    counters_.refused_waiting++;
    place = std::unexpected(full("no place in the bulkhead came free in time"));
  }
  co_return place;
}

}  // namespace assay::guard::bulkhead
