// What a run says of its own numbers, on a terminal: between which bounds they lie, whether they are of one steady
// state, how they are distributed, and whether the load was the intended one. Alike in every summary of a load.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "lab/model/load_result.hpp"

namespace assay::report {

// Below the row of the times, in its columns; nothing where none are told.
void append_intervals(std::string& to, const model::response_intervals& of);

// Where the percentiles are of more than one state of the service; `what` took so long, a response for example.
void append_steadiness(std::string& to, const std::optional<model::steadiness>& of, std::string_view what = "response");

// wrk2's and HdrHistogram's form, which the usual plotters read: value in ms, quantile, count so far, 1/(1-quantile).
void append_spectrum(std::string& to, std::string_view name, const observe::histogram& of);

// " in ticks of 1.00ms", behind the arrivals; empty without a tick.
std::string tick_text(std::chrono::nanoseconds tick);

// Whether what was sent went out as it was to.
void append_send_fit(std::string& to, const model::arrival_fit& of, model::arrival_law law,
                     std::string_view name = "arrivals");

}  // namespace assay::report
