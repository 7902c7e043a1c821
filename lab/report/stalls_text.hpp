// The generator's own stalls on a terminal, a line, alike in every summary of a load.
//
// Misuse: including it outside of this room; it is no interface.
#pragma once

#include <string>

#include "lab/model/load_result.hpp"

namespace assay::report {

// Which of the printed times they can have made. False, and nothing is said, where that is none.
bool append_stalls(std::string& to, const model::own_stalls& stalls);

}  // namespace assay::report
