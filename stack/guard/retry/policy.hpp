// Asks again when that may help, and stops when it would harm: a bounded number of times, after a random pause, within
// a budget, never past the deadline, and only what may be carried out twice.
//
// What may help: connections that were refused, reset, closed or timed out, and the statuses in options::statuses. A
// refusal of our own (errc::limit: an open circuit, a full pool) is not asked again: it says to stop. A server that
// names a time in Retry-After is not asked before; the pause comes on top, so that not all come back at that moment. A
// date there is ignored, since reading it takes two clocks that agree.
//
// Misuse: retries at several levels of a call chain. Three levels of three attempts are 27 requests at the bottom;
// retry where the request began, or next to what fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stack/guard/options.hpp"
#include "stack/guard/retry/backoff.hpp"
#include "stack/http/client.hpp"
#include "stack/runtime/error.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::retry {

struct options {
  unsigned max_attempts = 3;  // the first included
  duration base_backoff = std::chrono::milliseconds(50);
  duration max_backoff = std::chrono::seconds(2);
  duration max_retry_after = std::chrono::seconds(30);  // a server that asks for more is not asked again
  std::uint64_t max_tokens = 10;
  std::uint64_t milli_tokens_per_success = 100;
  std::vector<int> statuses = {429, 502, 503, 504};
  std::optional<std::uint64_t> seed = {};  // of the pauses; none: a different one for each policy
};

checked check(const options& given);

struct counters {
  std::uint64_t retries = 0;
  std::uint64_t recovered = 0;        // requests that a retry has saved
  std::uint64_t not_repeatable = 0;   // failures that a retry might have helped, of requests that may go only once
  std::uint64_t out_of_attempts = 0;  //   that were the last of max_attempts
  std::uint64_t out_of_budget = 0;    //   that found half of the tokens gone
  std::uint64_t out_of_time = 0;      //   whose retry would begin too late: deadline, or max_retry_after
};

// An attempt that has ended.
struct attempt_end {
  unsigned number = 1;  // of this request's attempts
  bool repeatable = false;
  instant now{};
  instant deadline = never;
};

// The seconds of a Retry-After field; none for a date and for what is malformed. More than a day is a day.
std::optional<duration> parse_retry_after(std::string_view value);

class policy {
 public:
  explicit policy(const options& given);

  // The pause before the next attempt; none: `outcome` is final. Call it for every attempt, the good ones too.
  std::optional<duration> pause_after(const result<http::client_response>& outcome, const attempt_end& ended);

  // What is left of max_tokens.
  double tokens() const { return budget_.tokens(); }
  const counters& counted() const { return counters_; }

 private:
  bool retry_may_help(const result<http::client_response>& outcome) const;

  options options_;
  backoff backoff_;
  budget budget_;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of, std::string_view client);

}  // namespace assay::guard::retry
