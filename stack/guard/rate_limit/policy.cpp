#include "stack/guard/rate_limit/policy.hpp"

#include <algorithm>
#include <cassert>

namespace assay::guard::rate_limit {

using namespace std::chrono_literals;

checked check(const options& given) {
  constexpr std::uint64_t most = 1'000'000;
  option_check checking("rate_limit");
  checking.span("per", given.per, 1ms, 24h)
      .number("burst", given.burst, 1, most)
      .number("max_keys", given.max_keys, 1, 10'000'000);
  if (!checking.outcome()) return checking.outcome();  // what else is allowed depends on these
  // A token takes a microsecond or more, so that whole nanoseconds are exact to a thousandth.
  checking.number("requests", given.requests, 1, std::min(most, static_cast<std::uint64_t>(given.per / 1us)));
  if (!checking.outcome()) return checking.outcome();
  const duration token = given.per / static_cast<duration::rep>(given.requests);
  return checking.number("burst", given.burst, 1, static_cast<std::uint64_t>(24h / token)).outcome();
}

policy::policy(const options& given)
    : max_keys_(given.max_keys),
      token_(given.per / static_cast<duration::rep>(std::max<std::uint64_t>(given.requests, 1))),
      burst_span_(token_ * static_cast<duration::rep>(given.burst)) {
  assert(check(given) && "options are checked before they are used");
}

verdict policy::take(std::string_view key, instant now) {
  bucket& of_key = bucket_of(key.substr(0, max_key_bytes), now);
  const instant full_at = std::max(of_key.full_at, now) + token_;
  const duration missing = full_at - now;  // what the bucket would lack
  if (missing > burst_span_) {
    counters_.refused++;
    return {.allowed = false, .retry_after = missing - burst_span_};
  }
  of_key.full_at = full_at;
  counters_.allowed++;
  return {};
}

policy::bucket& policy::bucket_of(std::string_view key, instant now) {
  // Callers come in runs, and where one proxy or one bucket is for all, it is always the same.
  if (!buckets_.empty() && buckets_.back().key == key) return buckets_.back();
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    buckets_.splice(buckets_.end(), buckets_, known->second);
    return *known->second;
  }
  if (buckets_.size() >= max_keys_) forget_oldest(now);
  buckets_.push_back({.key = std::string(key), .full_at = now});
  by_key_.emplace(buckets_.back().key, std::prev(buckets_.end()));
  return buckets_.back();
}

void policy::forget_oldest(instant now) {
  const bucket& oldest = buckets_.front();
  counters_.forgotten++;
  counters_.forgotten_in_debt += oldest.full_at > now ? 1U : 0U;
  by_key_.erase(oldest.key);
  buckets_.pop_front();
}

}  // namespace assay::guard::rate_limit
