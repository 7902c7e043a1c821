// `assay load --sessions FILE`: users who do one thing after the other.
//
// Misuse: passing over what was typed and means nothing here; it is refused by its name.
#pragma once

#include "cli/load_command.hpp"

namespace assay::cli {

int session_command(const load_arguments& typed);

}  // namespace assay::cli
