// The requests of a HAR file (HTTP Archive 1.2), as browsers and proxies save it. When they were made does not matter
// here, nor what was answered: assay learn reads that.
//
// Misuse: taking all of a page's requests for one server's. load_of() keeps those of the first one's origin.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/load/recorded_request.hpp"

namespace assay::load {

// Requests of other schemes than http and https are left out, and so are fields that belong to the connection. The
// error names the file and the entry.
std::expected<std::vector<recorded_request>, std::string> read_har(const std::string& path);

}  // namespace assay::load
