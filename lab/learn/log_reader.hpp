// Reads a log record by record in bounded memory: its lines, or the entries of a HAR file.
//
// Misuse: keeping a record's view beyond the next call; the buffer is used again.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/block_reader.hpp"
#include "lab/learn/line/access_line.hpp"
#include "lab/learn/line/archive_cutter.hpp"

namespace assay::learn {

struct raw_line {
  std::uint64_t number = 0;  // from 1
  std::string_view text;     // without its end, "\n" or "\r\n"; the first bytes of one that is too long
  bool too_long = false;     // more than max_line_bytes, or max_entry_bytes
  bool ended = true;         // false for a last line without "\n"
};

class log_reader {
 public:
  static std::expected<log_reader, std::string> open(const std::string& path);

  // Before the first next(): whether it is a HAR file, and the first lines, which next() will give again.
  std::expected<void, std::string> look(bool may_be_archive);
  bool is_archive() const { return is_archive_; }
  const std::vector<std::string_view>& first_lines() const { return first_lines_; }

  // The next record; nothing at the end.
  std::expected<std::optional<raw_line>, std::string> next() { return is_archive_ ? next_entry() : next_line(); }

  // The next line, when all of it has been read already; false when next() has to be asked, and nothing has changed.
  bool next_at_hand(raw_line& to);

  bool is_regular() const { return blocks_.is_regular(); }
  bytes_read finish() { return blocks_.finish(); }

 private:
  explicit log_reader(byte_source bytes) : blocks_(std::move(bytes)) {}

  std::expected<std::optional<raw_line>, std::string> next_line();
  std::expected<std::optional<raw_line>, std::string> next_entry();
  std::expected<std::optional<raw_line>, std::string> long_line();
  raw_line made(std::string_view text, bool ended);

  block_reader blocks_;
  std::vector<std::string_view> first_lines_;
  bool is_archive_ = false;
  bool is_cut_ = false;           // the entry at which a HAR file was cut has been given out
  std::size_t pending_drop_ = 0;  // of the line that was given out last
  std::string kept_;              // what is shown of a line that is too long
  archive_cutter cutter_;
  std::uint64_t number_ = 0;
};

}  // namespace assay::learn
