// Stages of a load as people type them.
//
//   30s@100            30 s at 100 requests per second
//   1m@100..500        growing evenly from 100 to 500
//   2m@300~200/20s     a sine about 300: between 100 and 500, once in 20 s
//   30s@100*10         a burst: ten times the 100 of before, and when it is over the level of before is watched for
//   10s@0              a pause
//
// Misuse: none; a stage that cannot be read says what was expected.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/load/rate_curve.hpp"

namespace assay::cli {

std::expected<load::stage, std::string> parse_stage(std::string_view text);

}  // namespace assay::cli
