// `assay load --calibrate`: what this machine can and costs, in place of a URL.
//
// Misuse: logic here. What is measured is lab/load's, how it reads lab/report's.
#pragma once

#include "cli/load_command.hpp"

namespace assay::cli {

int calibrate_command(const load_arguments& typed);

}  // namespace assay::cli
