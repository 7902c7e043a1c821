// A second of UTC as text, "2026-11-23T08:00:00Z", and back.
//
// Misuse: other forms of ISO 8601; they are refused.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace assay::model {

std::string utc_text(std::chrono::sys_seconds at);
std::optional<std::chrono::sys_seconds> utc_from_text(std::string_view text);

}  // namespace assay::model
