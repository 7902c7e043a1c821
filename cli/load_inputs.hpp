// What `assay load` sends when it is more than one URL: curl lines, a HAR file, a file of requests; feeds and checks.
//
// Misuse: running the options before load::normalize() has seen them.
#pragma once

#include <expected>
#include <string>

#include "cli/load_command.hpp"
#include "lab/load/options.hpp"

namespace assay::cli {

// Fills in what was typed of it; the value is a notice for the user, or empty. The error is one line.
std::expected<std::string, std::string> read_load_inputs(const load_arguments& typed, load::load_options& into);

}  // namespace assay::cli
