// Service level objectives as people type them after --slo: what must hold for the exit code to say so.
//
//   p99<50ms          a percentile of the response time (closed model: of the service time), or mean, or max
//   errors<0.1%       failed requests, unexpected answers included, of all that were due
//   rate>950          answers per second
//   back<10s          after each burst the level of before was back by then (burst_return.hpp)
//   p99[GET /a]<80ms  of one of several requests, by its name; every gate but back
//   p99[stage 2]<9ms  of one of several stages, from 1 on
//   p99[steady]<9ms   of the part of an even run that was in a steady state (steady_state.hpp); also mean, max
//   p99<50ms every 10s  in each whole window of so long, all gates of a run with the same; every gate but back
//   p99[GET /a]<80ms every 10s  in each, of one of several requests
//
// Misuse: taking one that was read for one that the run can tell; gate.hpp checks that.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "stack/runtime/time.hpp"

namespace assay::load {

enum class gated : std::uint8_t { quantile, mean, max, error_share, rate, back };

struct gate {
  gated what = gated::quantile;
  double quantile = 0;    // of gated::quantile
  double limit = 0;       // nanoseconds, a share, or answers per second
  std::string part = {};  // a request's name, or "stage 2"; empty: the whole run
  duration every{};       // a window's length; zero: the whole run, or the part
  std::string text;       // as typed
};

// Gates with commas between; the error says which and what was expected.
std::expected<std::vector<gate>, std::string> parse_gates(std::string_view text);

}  // namespace assay::load
