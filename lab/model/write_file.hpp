// A file that is there whole or not at all.
//
// Misuse: for something that grows, like a log.
#pragma once

#include <expected>
#include <string>

namespace assay::model {

// Written beside `path`, flushed, and renamed over it. A symbolic link is followed, a pipe or a device written to as it
// is. The error is the reason alone.
std::expected<void, std::string> write_file(const std::string& path, const std::string& text);

}  // namespace assay::model
