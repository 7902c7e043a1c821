// A file that is there whole or not at all.
//
// Misuse: for something that grows, like a log.
#pragma once

#include <expected>
#include <string>

namespace assay::report {

// Written beside `path`, flushed, and renamed over it. The error names the path and the reason.
std::expected<void, std::string> write_file(const std::string& path, const std::string& text);

}  // namespace assay::report
