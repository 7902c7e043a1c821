// Service level objectives of one load run (gate_text.hpp has their forms): whether the run can tell them, and whether
// they were met.
//
// A percentile that so few answers cannot tell does not meet its gate: nothing was shown. Where a percentile or a mean
// has an interval (intervals.hpp), the gate knows it: one whose limit lies inside is not proven, neither way. Whether
// it is met says the estimate alone: a limit that had to be proven would make the same service fail in a shorter run.
//
// Misuse: reading a gate of one run as a comparison of two services. That is the judge's, over several runs.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/gate_text.hpp"
#include "lab/load/options.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

// What a gate is of: a run, one of its requests, one of its stages, or a window of it.
struct gated_part {
  const observe::histogram* times = nullptr;
  double rate_rps = 0;
  std::optional<double> error_share = {};                // nothing where nothing was due
  const model::response_intervals* intervals = nullptr;  // null where there are none
};

// How long the slowest of all bursts took to be back, in nanoseconds; nothing when there was none, or one was not seen
// to be over, and then why.
std::optional<double> back_after_ns(const std::vector<model::load_stage>& stages);
std::string why_not_back(const std::vector<model::load_stage>& stages);

// "stage 2" is the second, with index 1; nothing of another name.
std::optional<std::size_t> stage_index_of(std::string_view name);

// Which of several requests is called so; nothing where none is, or there are not several.
std::optional<std::size_t> request_index_of(std::string_view name, const load_plan& plan);

// What a gate on the steady state is of, where no request is called so.
inline constexpr std::string_view steady_part = "steady";

// Whether one can be of the steady state: of response times, in a run of one even rate. The error is one line.
std::expected<void, std::string> check_steady(const gate& of, const std::vector<stage>& stages);
// `whole` is what a gate on the whole run is of; the result is all of it where it was steady from the start, and
// nothing where it was not steady or that cannot be told, and then why.
std::optional<gated_part> steady_part_of(const std::optional<model::steadiness>& seen, const gated_part& whole);
std::string why_not_steady(const std::optional<model::steadiness>& seen);

// Whether the run will have what each gate is of. The error is one line.
std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const load_plan& plan);

// The percentiles that are asked for, so that they have intervals.
std::vector<double> gate_quantiles(const std::vector<gate>& gates);

// Those that are to hold in each window of the run; and its length, zero when there is none.
std::vector<gate> windowed_gates(const std::vector<gate>& gates);
duration gate_window(const std::vector<gate>& gates);
// Whether a run of that length has such windows, all of one length. The error is one line.
std::expected<void, std::string> check_windows(const std::vector<gate>& gates, duration length);

// Of what was due, or in the closed model begun: what failed or was answered unexpectedly. One when nothing was due.
double error_share_of(const model::load_result& result);

// The shortest window.
inline constexpr duration min_window = std::chrono::milliseconds(100);

bool holds(const gate& of, double value);
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

// How one came out that is to hold in each window: with the worst of them. `times` as above.
model::gate_outcome outcome_of_windows(const gate& of, const std::vector<model::window_outcome>& windows,
                                       std::string_view times);

// Of an objective of the whole run that is not met as measured, and would be without what the generator's own stalls
// can have added: a sentence that says so, since the run does not tell it. Else nothing.
std::optional<std::string> untold_for_stalls(const gate& of, const model::own_stalls& stalls);

// Fills `gates` from the rest of the result; false when one is not met. One that the generator's own stalls can have
// broken makes the result INVALID: it would be held against the service.
bool judge_gates(const std::vector<gate>& gates, model::load_result& result);

}  // namespace assay::load
