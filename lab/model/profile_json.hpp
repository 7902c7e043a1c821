// A profile as a JSON document, and back: docs/profile-json.md describes the keys.
//
// Reading is strict in what it needs (version, every key, its type and range) and ignores keys it does not know, so
// that a later minor version can add some.
//
// Misuse: editing a profile by hand to change a rate; a plan is where a workload is changed.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/model/profile.hpp"

namespace assay::model {

inline constexpr std::size_t max_profile_bytes = std::size_t{64} * 1024 * 1024;

std::string profile_json(const profile& value);

// The error names the key: "routes[2].requests: expected a whole number, found a string".
std::expected<profile, std::string> profile_from_json(std::string_view text);

// The error begins with the path.
std::expected<profile, std::string> read_profile(const std::string& path);

// All or nothing: a reader sees the old file or the new one, also after a crash.
std::expected<void, std::string> write_profile(const std::string& path, const profile& value);

}  // namespace assay::model
