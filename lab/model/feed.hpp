// A feed: values for a placeholder, from a file. One a line, a column of a CSV file with a header line (RFC 4180
// quoting), or a member of the objects of a .jsonl file, one a line.
//
// Misuse: feeding secrets of production. What is sent stands in the candidate's logs.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace assay::model {

inline constexpr std::size_t most_feed_bytes = std::size_t{16} << 20;
inline constexpr std::size_t most_feed_values = 200'000;

// The whole file, or why not; never more than `most` bytes.
std::expected<std::string, std::string> read_whole(const std::string& path, std::size_t most);

// Empty lines are left out of a plain feed and of a .jsonl one. The error names file and line.
std::expected<std::vector<std::string>, std::string> read_feed(const std::string& path, const std::string& column);

}  // namespace assay::model
