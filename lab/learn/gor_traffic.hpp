// The requests of GoReplay's recordings, with their bodies, to be sent again.
//
// A client is one connection of the recording, where the id says which (24 digits); others are clients of one request
// each. The status of the original answer is that of the response with the same id, wherever it stands.
//
// Misuse: expecting files to be in the order of time; all are read, and ordered then.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/model/recorded_traffic.hpp"

namespace assay::learn {

// Files, globs, directories; "-" is standard input; gzip and Zstandard are seen. The error is one line that names the
// path. Records that are no request are counted by reason; more than half of them is an error.
std::expected<model::recorded_traffic, std::string> read_gor_traffic(const std::vector<std::string>& files);

}  // namespace assay::learn
