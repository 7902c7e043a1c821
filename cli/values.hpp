// Values as people type them on a command line.
//
// Misuse: none; every function says what it expected.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/model/nearest.hpp"
#include "stack/runtime/time.hpp"

namespace assay::cli {

// "30s", "5m", "1.5h", "250ms"; a bare number is seconds.
std::expected<duration, std::string> parse_duration(std::string_view text);

// "Name: value"
std::expected<std::pair<std::string, std::string>, std::string> parse_header(std::string_view text);

// The body itself, or with a leading '@' the content of that file.
std::expected<std::string, std::string> read_body(const std::string& text);

// Whether writing `output` would destroy one of the files that are read.
bool overwrites(const std::string& output, const std::vector<std::string>& inputs);

// `text` with '?' for control characters: what a user typed must not make two lines of a message.
std::string one_line(std::string_view text);

using model::nearest;

}  // namespace assay::cli
