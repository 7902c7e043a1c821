// A curl command line as a request: what people have in their notes, and what browsers copy.
//
// What changes the request is understood, what only says how curl shows the answer (-s, -v, -o FILE) is passed over,
// and every other option is refused by its name: a request that is not the one meant measures something else.
//
// Misuse: expecting curl's own User-Agent; only Accept: */* is sent as curl would.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/recorded_request.hpp"

namespace assay::load {

// The error continues a sentence that names the line.
std::expected<recorded_request, std::string> parse_curl(std::string_view line);

// A command line, which begins with "curl", or the path of a file with one a line; an escaped line end goes on, empty
// lines and those that begin with '#' are passed over. The error names file and line.
std::expected<std::vector<recorded_request>, std::string> read_curl(const std::string& line_or_path);

}  // namespace assay::load
