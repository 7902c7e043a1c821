// One number of a workload with how far it is known: what two workloads are compared by.
//
// A share is compared by its difference, every other quantity by its ratio; `error` is the standard error on that
// scale, of the value or of its logarithm, with `freedom` degrees of freedom as Student's law has them.
//
// Misuse: taking the error for that of independent requests. It comes from blocks of the log, and is wider.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::model {

enum class measure_kind : std::uint8_t {
  rate,            // requests a second
  route,           // share of a route, `of` its name
  status,          // share of a status
  bytes,           // of responses: "p50", "p99"; of one byte more, so that nothing at all has a ratio too
  gaps,            // share of the gaps between requests that are short or long of the mean
  dispersion,      // of the counts in windows of "1 s", "10 s", "60 s"
  peak,            // busiest such window of an hour, of the hour's mean
  session_length,  // requests of a session
  short_sessions,  // share of the sessions that are one request
};

std::string_view label(measure_kind kind);  // as in the profile: "session_length"
std::optional<measure_kind> measure_kind_of(std::string_view label);
bool is_share(measure_kind kind);

struct measure {
  measure_kind kind = measure_kind::rate;
  std::string of = {};  // which one of its kind; may be empty
  double value = 0;
  double error = 0;
  double freedom = 0;
};

}  // namespace assay::model
