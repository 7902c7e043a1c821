// How long a request may take, said once at the edge and known to everyone behind it: each hop gets what is left.
//
//   request-timeout-ms: 750
//
// A span and not a moment, since clocks of two machines differ; whole milliseconds, rounded down. The time that the
// message itself takes is not known to either side, so a server may still work for a client that has just given up,
// for one way through the network.
//
// The field can only make a deadline earlier than the server's own: anyone may send it, and nobody gains by it. So one
// that cannot be read is counted and ignored: such a request is served as well as if it had none, and refusing it
// would make an outage of what is an optimisation. "0" can be read: nobody waits any more.
//
// Misuse: an options::limit above the server's handler_timeout; the earlier of both holds, and this is then no limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "stack/guard/options.hpp"
#include "stack/http/message.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::timeout {

inline constexpr std::string_view field_name = "request-timeout-ms";

struct options {
  duration limit = std::chrono::seconds(10);  // of a handler, of a call, or of one of its attempts
};

checked check(const options& given);

struct counters {
  std::uint64_t narrowed = 0;   // the other side left less than our own limit
  std::uint64_t expired = 0;    // nothing was left: not even begun
  std::uint64_t malformed = 0;  // the field was there and could not be read
  std::uint64_t late = 0;       // ended after its deadline
};

// The span of a field's value; none when it is anything but decimal digits. More than a day is a day.
std::optional<duration> parse_remaining(std::string_view value);

class policy {
 public:
  explicit policy(const options& given);

  // The deadline of a request that arrived at `now` with these fields. No later than now + limit; `now` itself when
  // nothing is left.
  instant deadline_of(instant now, const http::header_list& fields);
  // The deadline of a client's attempt under a context's `deadline`; at or before `now` when nothing is left of it.
  instant deadline_of_attempt(instant now, instant deadline) const;

  void on_expired() { counters_.expired++; }
  void on_end(instant now, instant deadline) { counters_.late += now >= deadline ? 1U : 0U; }
  const counters& counted() const { return counters_; }

 private:
  options options_;
  counters counters_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of, std::string_view client, std::string_view span);

}  // namespace assay::guard::timeout
