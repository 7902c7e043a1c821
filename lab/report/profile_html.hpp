// A profile as a page of HTML: all that the portrait has, every route with its placeholders, the day and the worst
// minute as charts, and each measure with its error. One file that asks nobody for anything.
//
// Misuse: none; what comes from the log is escaped, and the profile holds nobody's data.
#pragma once

#include <string>

#include "lab/model/profile.hpp"

namespace assay::report {

std::string profile_html(const model::profile& profile);

}  // namespace assay::report
