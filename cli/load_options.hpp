// What `assay load` and `assay capacity` have in common: from what was typed to options, unchecked.
//
// Misuse: running them before load::normalize() has seen them.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "cli/load_command.hpp"
#include "lab/load/options.hpp"

namespace assay::cli {

std::expected<double, std::string> parse_rate(std::string_view flag, const std::string& text);
std::expected<load::load_options, std::string> read_load_options(const load_arguments& typed);

}  // namespace assay::cli
