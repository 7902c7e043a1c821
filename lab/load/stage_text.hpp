// Stages of a load as people type them, on the command line and in a file of sessions.
//
//   30s@100            30 s at 100 requests per second
//   1m@100..500        growing evenly from 100 to 500
//   2m@300~200/20s     a sine about 300: between 100 and 500, once in 20 s
//   30s@100*10         a burst: ten times the 100 of before, and when it is over the level of before is watched for
//   10s@0              a pause
//   5x(30s@100*10, 1m@100)   these stages five times, one after the other
//
// Misuse: none; what cannot be read says which part of it, and what was expected.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/rate_curve.hpp"

namespace assay::load {

// One stage, or those of a repeated group, in their order: at most max_stages. The error is one line that begins with
// the text in quotes.
std::expected<std::vector<stage>, std::string> parse_stages(std::string_view text);

// Rates and a length that can be run. The error begins with the shape.
std::expected<void, std::string> check_stage(const stage& given);

}  // namespace assay::load
