// A profile for a terminal: the workload's portrait on one screen.
//
// Misuse: parsing this text. Programs read the document of lab/model/profile_json.hpp, whose keys stay.
#pragma once

#include <string>

#include "lab/model/profile.hpp"

namespace assay::report {

inline constexpr std::size_t routes_shown = 14;
inline constexpr double most_rejected_quietly = 0.01;  // of a file's lines: more, and a warning stands on top

std::string profile_text(const model::profile& profile);

}  // namespace assay::report
