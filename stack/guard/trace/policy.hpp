// Who a request is, in logs and in the requests that it causes: a request id of our own, and its place in a trace that
// others may have begun (W3C Trace Context).
//
//   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
//   x-request-id: 9c3be12c9d0f4a11
//
// A request with a good traceparent belongs to that trace, as a span of its own; any other begins a trace. Spans are
// not recorded: the ids are what joins our log lines to other people's spans.
//
// Misuse: keep_request_ids where strangers may call. Whoever chooses ids can make two requests look like one in a log.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "stack/http/message.hpp"
#include "stack/runtime/context.hpp"

namespace assay::observe {
class mirror;
}

namespace assay::guard::trace {

inline constexpr std::string_view parent_field = "traceparent";
inline constexpr std::string_view state_field = "tracestate";
inline constexpr std::string_view request_id_field = "x-request-id";

struct options {
  std::uint64_t seed = 0;         // of the ids; 0: from the system. Loops need different ones
  bool continue_traces = true;    // false at an edge that takes no trace from outside
  bool keep_request_ids = false;  // take x-request-id when it is 16 lowercase hexadecimal digits, not all zero
  bool sample_new = false;        // the flag of traces that begin here: somebody records them
};

struct counters {
  std::uint64_t continued = 0;
  std::uint64_t begun = 0;
  std::uint64_t malformed = 0;       // of the begun: there was a traceparent that could not be read, or two
  std::uint64_t dropped_states = 0;  // tracestates that could not be read
};

struct identity {
  std::uint64_t request_id = 0;
  trace_identity trace;  // without its state
  std::string state;
};

class policy {
 public:
  explicit policy(const options& given);

  identity identify(const http::header_list& fields);

  const counters& counted() const { return counters_; }

 private:
  std::uint64_t next_id();
  void begin_trace(identity& mine);
  void take_state(const http::header_list& fields, identity& mine);

  options options_;
  counters counters_;
  std::mt19937_64 random_;
};

// Its numbers as metrics, for as long as it is there: docs/watching-itself.md.
void show(observe::mirror& in, const policy& of);

}  // namespace assay::guard::trace
