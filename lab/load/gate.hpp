// Service level objectives of one load run: what must hold for the exit code to say so.
//
//   p99<50ms          a percentile of the response time (closed model: of the service time), or mean, or max
//   errors<0.1%       failed requests, unexpected answers included, of all that were due
//   rate>950          answers per second
//   back<10s          after each burst the level of before was back by then (burst_return.hpp)
//   p99[GET /a]<80ms  of one of several requests, by its name; every gate but back
//   p99[stage 2]<9ms  of one of several stages, from 1 on
//   p99<50ms every 10s  in each whole window of so long, all gates of a run with the same; neither back nor with [...]
//
// A percentile that so few answers cannot tell does not meet its gate: nothing was shown. Where a percentile or a mean
// has an interval (intervals.hpp), the gate knows it: one whose limit lies inside is not proven, neither way. Whether
// it is met says the estimate alone: a limit that had to be proven would make the same service fail in a shorter run.
//
// Misuse: reading a gate of one run as a comparison of two services. That is the judge's, over several runs.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/options.hpp"
#include "lab/model/load_result.hpp"

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

// How long the slowest of all bursts took to be back, in nanoseconds; nothing when there was none, or one was not seen
// to be over, and then why.
std::optional<double> back_after_ns(const std::vector<model::load_stage>& stages);
std::string why_not_back(const std::vector<model::load_stage>& stages);

// "stage 2" is the second, with index 1; nothing of another name.
std::optional<std::size_t> stage_index_of(std::string_view name);

// Whether the run will have what each gate is of. The error is one line.
std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const load_plan& plan);

// The percentiles that are asked for, so that they have intervals.
std::vector<double> gate_quantiles(const std::vector<gate>& gates);

// The window that the run is to be kept by; zero when no gate is of windows.
duration gate_window(const std::vector<gate>& gates);

// Of what was due, or in the closed model begun: what failed or was answered unexpectedly. One when nothing was due.
double error_share_of(const model::load_result& result);

// What a gate is of: a run, one of its requests, one of its stages, or a window of it.
struct gated_part {
  const observe::histogram* times = nullptr;
  double rate_rps = 0;
  std::optional<double> error_share = {};                // nothing where nothing was due
  const model::response_intervals* intervals = nullptr;  // null where there are none
};
// Nothing when so few answers do not tell it, and of gated::back.
std::optional<double> value_of(const gate& of, const gated_part& part);
// Nothing where what is gated has none: a maximum, a share, a rate, a window.
std::optional<model::time_interval> interval_of(const gate& of, const gated_part& part);
// Why it is not known; `times` names what there was too little of, "answers".
std::string why_no_value(const gate& of, const gated_part& part, std::string_view times);

// How a gate came out: with its value and a remark behind it, or where there is none, with the remark that says why;
// and with the interval of the value, if it has one.
model::gate_outcome outcome_of(const gate& of, const std::optional<double>& value, const std::string& remark,
                               const std::optional<model::time_interval>& within = std::nullopt);

// Of an objective of the whole run that is not met as measured, and would be without what the generator's own stalls
// can have added: a sentence that says so, since the run does not tell it. Else nothing.
std::optional<std::string> untold_for_stalls(const gate& of, const model::own_stalls& stalls);

// Fills `gates` from the rest of the result; false when one is not met. One that the generator's own stalls can have
// broken makes the result INVALID: it would be held against the service.
bool judge_gates(const std::vector<gate>& gates, model::load_result& result);

}  // namespace assay::load
