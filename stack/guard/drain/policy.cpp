#include "stack/guard/drain/policy.hpp"

#include <algorithm>
#include <cassert>

namespace assay::guard::drain {

using namespace std::chrono_literals;

std::string_view label(state of) {
  switch (of) {
    case state::starting:
      return "starting";
    case state::ready:
      return "ready";
    case state::draining:
      return "draining";
    case state::stopped:
      break;
  }
  return "stopped";
}

checked check(const options& given) {
  const auto fits = [](std::string_view text) {
    return text.empty() || (text.starts_with('/') && !text.contains('?'));
  };
  return option_check("drain")
      .span("delay", given.delay, 0s, 1h)
      .that(fits(given.live_path), "live_path", "\"" + given.live_path + "\"", "a path, or empty")
      .that(fits(given.ready_path), "ready_path", "\"" + given.ready_path + "\"", "a path, or empty")
      .that(given.live_path != given.ready_path || given.live_path.empty(), "ready_path",
            "\"" + given.ready_path + "\"", "not live_path")
      .span("readiness_limit", given.readiness_limit, 1ms, 1min)
      .span("retry_after", given.retry_after, 1s, 3600s)
      .outcome();
}

visit::~visit() {
  if (from_ != nullptr) from_->in_flight_--;
}

policy::policy(const options& given) : options_(given), state_(given.warms_up ? state::starting : state::ready) {
  assert(check(given) && "options are checked before they are used");
}

void policy::ready() {
  if (state_ == state::starting) state_ = state::ready;
}

duration policy::drain(instant now) {
  if (state_ == state::stopped) return duration::zero();
  if (state_ != state::draining) {
    // Nobody was sent to what has not been ready.
    closes_from_ = state_ == state::ready ? saturating_add(now, options_.delay) : now;
    state_ = state::draining;
  }
  return std::max(closes_from_ - now, duration::zero());
}

bool policy::closes(instant now) const {
  return state_ == state::stopped || (state_ == state::draining && now >= closes_from_);
}

visit policy::enter() {
  assert(serves() && "what is refused does not enter");
  in_flight_++;
  counters_.served++;
  if (state_ == state::draining) counters_.served_late++;
  return visit(this);
}

}  // namespace assay::guard::drain
