// Objectives of a load over long connections: the gates of gate.hpp that mean something there.
//
//   p99<50ms, mean, max   of messages their response time, in a broadcast the delivery; of events the gap between two
//   errors<0.1%           of the messages that were due, in a broadcast of their deliveries; where nothing is sent,
//   losses
//                         and failed openings over the connections asked for
//   rate>950              messages received a second, or events
//   back<10s              after each burst of messages the level of before was back by then
//   p99[stage 2]<80ms     of one of several stages, from 1 on
//   p99[steady]<80ms      of the part of the run that was in a steady state; also mean, max
//   p99<50ms every 10s    of messages: in each whole window of so long; every gate but back, and not of a stage
//
// Misuse: a p99 of gaps for a feed that falls silent: few gaps are long then. `max` has the longest silence in it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/load/gate.hpp"
#include "lab/load/stream_options.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::load {

// Whether such a run can tell what each gate is of. The error is one line.
std::expected<void, std::string> check_gates(const std::vector<gate>& gates, const stream_plan& plan);

// Fills `gates` from the rest of the result; false when one is not met. One that the generator's own stalls can have
// broken makes the result INVALID.
bool judge_gates(const std::vector<gate>& gates, model::stream_result& result);

}  // namespace assay::load
