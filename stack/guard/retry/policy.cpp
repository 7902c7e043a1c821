#include "stack/guard/retry/policy.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <random>

namespace assay::guard::retry {

using namespace std::chrono_literals;

checked check(const options& given) {
  option_check checking("retry");
  checking.number("max_attempts", given.max_attempts, 1, 100)
      .span("base_backoff", given.base_backoff, 1us, 60s)
      .span("max_backoff", given.max_backoff, given.base_backoff, 1h)
      .span("max_retry_after", given.max_retry_after, 0s, 24h)
      .number("max_tokens", given.max_tokens, 1, 1'000'000)
      .number("milli_tokens_per_success", given.milli_tokens_per_success, 1, 1'000'000);
  for (const int status : given.statuses) {
    checking.that(400 <= status && status <= 599, "statuses", std::to_string(status), "400 to 599");
  }
  return checking.outcome();
}

std::optional<duration> parse_retry_after(std::string_view value) {
  constexpr std::uint64_t most = 24ULL * 3600;
  std::uint64_t seconds = 0;
  if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (failed != std::errc() || seconds > most) seconds = most;  // only too large is left
  return std::chrono::seconds(seconds);
}

policy::policy(const options& given)
    : options_(given),
      backoff_(given.base_backoff, given.max_backoff, given.seed ? *given.seed : std::random_device{}()),
      budget_(given.max_tokens, given.milli_tokens_per_success) {
  assert(check(given) && "options are checked before they are used");
}

bool policy::retry_may_help(const result<http::client_response>& outcome) const {
  if (outcome) return std::ranges::find(options_.statuses, outcome->status) != options_.statuses.end();
  switch (outcome.error().code) {
    case errc::timed_out:
    case errc::closed:
    case errc::reset:
    case errc::refused:
    case errc::unreachable:
      return true;
    default:
      return false;
  }
}

std::optional<duration> policy::pause_after(const result<http::client_response>& outcome, const attempt_end& ended) {
  if (!retry_may_help(outcome)) {
    const bool good = outcome && outcome->status < 500;
    if (good) budget_.on_success();
    counters_.recovered += good && ended.number > 1 ? 1U : 0U;
    return std::nullopt;
  }
  budget_.on_failure();
  const auto stop = [](std::uint64_t& why) {
    why++;
    return std::nullopt;
  };
  if (!ended.repeatable) return stop(counters_.not_repeatable);
  if (ended.number >= options_.max_attempts) return stop(counters_.out_of_attempts);
  if (!budget_.allows_retry()) return stop(counters_.out_of_budget);
  const duration asked =
      outcome ? parse_retry_after(outcome->header("retry-after")).value_or(duration::zero()) : duration::zero();
  const duration pause = asked + backoff_.before(ended.number);
  if (asked > options_.max_retry_after || saturating_add(ended.now, pause) >= ended.deadline) {
    return stop(counters_.out_of_time);
  }
  counters_.retries++;
  return pause;
}

}  // namespace assay::guard::retry
