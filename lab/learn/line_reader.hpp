// The lines of a file or of stdin, one at a time, however long the file is.
//
// Misuse: keeping a line beyond the next call.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "lab/model/sha256.hpp"

namespace assay::learn {

class line_reader {
 public:
  static std::expected<line_reader, std::string> open(const std::string& path);
  line_reader(line_reader&& other) noexcept;
  line_reader& operator=(line_reader&&) = delete;
  ~line_reader();

  struct line {
    std::string_view text;  // without its end; the front of it when it is too long
    bool too_long = false;
    bool ended = false;  // false: the file ends here without a line end
  };
  // False at the end. A failure to read is an error.
  std::expected<bool, std::string> next(line& into, std::size_t max_bytes);
  // Of everything that was read.
  std::string sha256() { return hash_.hex(); }

 private:
  line_reader(int file, std::string path);
  std::expected<bool, std::string> fill();

  int file_;
  std::string path_;
  std::string buffer_;
  std::size_t at_ = 0;
  bool at_end_ = false;
  model::sha256 hash_;
};

}  // namespace assay::learn
