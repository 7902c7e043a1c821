// A candidate that runs already, as it is typed: NAME=http://HOST:PORT.
//
// Misuse: expecting of one what a started candidate gives. There is no fresh process for a repeat and no look inside.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>

#include "lab/model/plan.hpp"

namespace assay::campaign {

// A name of a host is looked up here, once, so that no trial waits for a resolver; the title keeps what was typed.
// The error is one line that begins with the text.
std::expected<model::candidate, std::string> running_candidate(std::string_view name_and_url);

// Asks for its ready path until that answers 200. The error is one line that names candidate and URL.
std::expected<void, std::string> check_reachable(const model::candidate& candidate, std::chrono::nanoseconds limit);

// What a report says of such candidates; empty when the plan starts all of its own.
std::string running_candidates_fact(const model::plan& plan);

}  // namespace assay::campaign
