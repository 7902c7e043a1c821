// The rows of a load's summary for each stage and each route of several: what was planned and answered in it, the
// response time, and below it the bounds between which its percentiles lie.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::report {

// With `all_intervals` below each row, without it only where few rows leave room for them.
void append_stages(std::string& to, const std::vector<model::load_stage>& stages, bool all_intervals);
// Whether that is so of so many rows; and such bounds, below a row of a summary's own: of so many `times`, "messages".
bool have_room_for_intervals(std::size_t rows);
void append_stage_interval(std::string& to, const model::load_stage& of, std::string_view times);
// Whether the level of before came back after each burst, and when.
void append_bursts(std::string& to, const std::vector<model::load_stage>& stages);
void append_routes(std::string& to, const std::vector<model::load_route>& routes, bool intervals);

}  // namespace assay::report
