// Reads a log line by line in bounded memory, and its SHA-256 on the way.
//
// Misuse: keeping a line's view beyond the call it was given to; the buffer is used again.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "lab/learn/line/access_line.hpp"

namespace assay::learn {

struct raw_line {
  std::uint64_t number = 0;  // from 1
  std::string_view text;     // without its end, "\n" or "\r\n"; the first bytes of one that is too long
  bool too_long = false;     // more than max_line_bytes
  bool ended = true;         // false for a last line without "\n"
};

struct bytes_read {
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hexadecimal
};

// `path`, or standard input for "-". The error is one line that names the path.
std::expected<bytes_read, std::string> read_lines(const std::string& path,
                                                  const std::function<void(const raw_line&)>& use);

}  // namespace assay::learn
