// A profile on one screen: what was read, the routes, the rates, how uneven it all is.
//
// Misuse: parsing it. Programs read the profile.
#pragma once

#include <string>

#include "lab/model/profile.hpp"

namespace assay::report {

std::string profile_text(const model::profile& of);

}  // namespace assay::report
