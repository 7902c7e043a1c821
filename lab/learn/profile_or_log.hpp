// A workload by its name: a profile that was written before, or a log to learn from. The file's first bytes say which.
//
// Misuse: a profile through a pipe; what comes from a pipe is taken for a log, because it cannot be read twice.
#pragma once

#include <expected>
#include <string>

#include "lab/learn/learn.hpp"

namespace assay::learn {

// `options.files` is not looked at.
// By its first bytes; what is no regular file is none.
bool is_profile(const std::string& path);

std::expected<model::profile, std::string> profile_or_log(const std::string& path, const learn_options& options);

}  // namespace assay::learn
