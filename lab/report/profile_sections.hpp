// The sections of a profile's page that are tables. Each is complete without a script.
//
// Misuse: calling one outside of profile_html(); headings assume its order.
#pragma once

#include <string>

#include "lab/model/profile.hpp"

namespace assay::report {

std::string routes_section(const model::profile& profile);
std::string placeholders_section(const model::profile& profile);
std::string statuses_section(const model::profile& profile);
std::string paths_table(const model::session_paths& of);
std::string service_section(const model::profile& profile);
std::string measures_section(const model::profile& profile);
std::string sources_section(const model::profile& profile);

}  // namespace assay::report
