// `assay load --crossover A B`: two URLs under rising concurrency, in place of one.
//
// Misuse: logic here. The runs are lab/load's, what they say is lab/judge's, how it reads lab/report's.
#pragma once

#include "cli/load_command.hpp"

namespace assay::cli {

int crossover_command(const load_arguments& typed);

}  // namespace assay::cli
