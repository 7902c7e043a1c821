#include "stack/guard/breaker/policy.hpp"

#include <algorithm>
#include <cassert>

namespace assay::guard::breaker {

using namespace std::chrono_literals;

checked check(const options& given) {
  return option_check("breaker")
      .number("buckets", given.buckets, 2, 1000)
      .span("window", given.window, 10ms, 1h)
      .number("min_exchanges", given.min_exchanges, 1, 1'000'000'000)
      .number("failure_percent", given.failure_percent, 1, 100)
      .span("failing_for", given.failing_for, 0ms, 1h)
      .span("open_for", given.open_for, 1ms, 1h)
      .span("fair_wait", given.fair_wait, 0ms, 1h)
      .outcome();
}

pass::~pass() {
  if (from_ != nullptr) from_->on_dropped(period_, probe_);
}

void pass::end(instant now, bool failed) {
  assert(from_ != nullptr && "an exchange ends once");
  std::exchange(from_, nullptr)->on_end(now, period_, probe_, failed);
}

policy::policy(const options& given) : options_(given), window_(given.window, std::max(given.buckets, 1U)) {
  assert(check(given) && "options are checked before they are used");
}

result<pass> policy::admit(instant now) {
  if (state_ == state::open && now >= open_until_) {
    state_ = state::half_open;
    period_++;
    counters_.half_opened++;
  }
  if (state_ == state::closed) return pass(this, period_, false);
  if (state_ == state::half_open && !probing_) {
    probing_ = true;
    counters_.probes++;
    return pass(this, period_, true);
  }
  counters_.refused++;
  return std::unexpected(error{.code = errc::limit, .what = "circuit open"});
}

void policy::on_end(instant now, std::uint64_t period, bool probe, bool failed) {
  if (period != period_) {
    counters_.not_counted++;
    return;
  }
  (failed ? counters_.failed : counters_.succeeded)++;
  if (probe) return failed ? open(now) : close();
  window_.add(now, failed);
  if (!failed) {
    failed_in_a_row_ = 0;
    return;  // a success opens nothing
  }
  if (failed_in_a_row_++ == 0) failing_since_ = now;
  if (is_failing(now)) open(now);
}

bool policy::is_failing(instant now) {
  const tally seen = window_.total(now);
  if (seen.all() < options_.min_exchanges) return false;
  if (seen.failed * 100 >= seen.all() * options_.failure_percent) return true;
  const bool all_the_time = options_.failing_for > duration::zero() && now - failing_since_ >= options_.failing_for;
  return all_the_time && failed_in_a_row_ >= options_.min_exchanges;
}

void policy::on_dropped(std::uint64_t period, bool probe) {
  counters_.not_counted++;
  if (probe && period == period_) probing_ = false;
}

void policy::open(instant now) {
  state_ = state::open;
  open_until_ = saturating_add(now, options_.open_for);
  probing_ = false;
  period_++;
  counters_.opened++;
}

// With nothing remembered: what was before the pause says nothing about the host that has come back.
void policy::close() {
  state_ = state::closed;
  probing_ = false;
  period_++;
  window_.clear();
  failed_in_a_row_ = 0;
  counters_.closed++;
}

duration policy::retry_after(instant now) const {
  return state_ == state::open ? std::max(open_until_ - now, duration::zero()) : duration::zero();
}

state policy::now_is(instant now) const {
  return state_ == state::open && now >= open_until_ ? state::half_open : state_;
}

}  // namespace assay::guard::breaker
