// What is typed after `assay replay`, as a recording and options of lab/load.
//
// Misuse: none; every function says what it expected.
#pragma once

#include <expected>
#include <string>

#include "cli/replay_command.hpp"
#include "lab/load/replay_plan.hpp"
#include "lab/model/recorded_traffic.hpp"

namespace assay::cli {

std::expected<load::replay_options, std::string> read_replay_options(const replay_arguments& typed);

// Of a HAR file the requests to other hosts than the first one's are refused unless `into` names one.
std::expected<model::recorded_traffic, std::string> read_recording(const replay_arguments& typed,
                                                                   load::replay_rule_texts& into);

}  // namespace assay::cli
