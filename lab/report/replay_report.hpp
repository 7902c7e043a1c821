// A replay for a terminal and for programs: the verdict first, then what became of every recorded request.
//
// Misuse: parsing the text. Programs read the document; docs/replay.md has its keys, which stay.
#pragma once

#include <string>

#include "lab/model/replay_result.hpp"

namespace assay::report {

std::string replay_text(const model::replay_result& result);
std::string replay_json(const model::replay_result& result);

}  // namespace assay::report
