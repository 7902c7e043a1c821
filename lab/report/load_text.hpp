// A load result for a terminal: the verdict first, then a summary as short as wrk's.
//
// Misuse: parsing this text. Programs read load_json.hpp's document, whose keys stay.
#pragma once

#include <string>

#include "lab/model/load_result.hpp"

namespace assay::report {

struct load_text_options {
  bool spectrum = false;  // the detailed percentile spectrum of response and service time
};

std::string load_text(const model::load_result& result, const load_text_options& options = {});

}  // namespace assay::report
