// A result over long connections for a terminal: the verdict first.
//
// Misuse: parsing this text. Programs read stream_json.hpp's document, whose keys stay.
#pragma once

#include <string>

#include "lab/model/stream_result.hpp"
#include "lab/report/load_text.hpp"

namespace assay::report {

std::string stream_text(const model::stream_result& result, const load_text_options& options = {});

}  // namespace assay::report
