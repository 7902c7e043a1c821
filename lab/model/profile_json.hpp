// A profile's file format, *.profile.json: the fields of model::profile under their own names; times are seconds since
// the epoch, maps are objects. Unknown fields are ignored, so that an older reader reads a newer minor version.
//
// Misuse: trusting a file of another version. A reader refuses it.
#pragma once

#include <expected>
#include <string>

#include "lab/model/profile.hpp"

namespace assay::model {

// The error says which field is missing or of the wrong kind.
std::expected<profile, std::string> parse_profile(const std::string& text);

std::string profile_to_json(const profile& of);

}  // namespace assay::model
