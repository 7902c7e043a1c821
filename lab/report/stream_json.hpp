// A result over long connections as one JSON document. The keys are an interface: they stay, more may come.
// docs/load-streams.md lists them; every number has its unit in its key.
//
// Misuse: treating null as zero.
#pragma once

#include <string>

#include "lab/model/stream_result.hpp"

namespace assay::report {

std::string stream_json(const model::stream_result& result);

}  // namespace assay::report
