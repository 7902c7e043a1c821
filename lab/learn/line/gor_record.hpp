// GoReplay's recordings with all that is in them, bodies too: cut into records as their bytes come, and each record
// read.
//
//   gor_cutter cutter;
//   while (cutter.feed(bytes)) { const auto message = read_gor_record(cutter.record()); … }
//
// A record ends at a line that is the separator alone; the one line break before it is not the message's. A message is
// read as strictly as a server reads it: what can be understood in two ways is refused.
//
// Misuse: keeping a message over the next feed(); its views point into the record. A recording whose bodies hold the
// separator line: GoReplay itself splits there.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "lab/learn/line/access_line.hpp"
#include "lab/learn/line/record_head.hpp"

namespace assay::learn {

inline constexpr std::size_t max_record_bytes = std::size_t{16} * 1024 * 1024;  // GoReplay keeps 5 MiB of a body

class gor_cutter {
 public:
  // Takes bytes off the front until a record is whole: true then. False when all are taken.
  bool feed(std::string_view& bytes);
  // Head line and message; of one that is too long the first max_record_bytes.
  std::string_view record() const { return record_; }
  bool too_long() const { return too_long_; }
  // Whether there is a begun record that no separator has come for; GoReplay drops it, too.
  bool is_inside() const { return !ended_ && record_.find_first_not_of("\r\n") != std::string::npos; }

 private:
  void take(std::string_view piece);
  bool ends_line();

  std::string record_;
  std::string line_;  // the current line, as far as it may be the separator
  bool line_is_longer_ = false;
  bool too_long_ = false;
  bool ended_ = false;  // record_ was whole: the next byte is another's
};

// What a record says. Of a response the status alone.
struct gor_message {
  char kind = '1';
  std::string_view id;
  instant at;
  int status = 0;
  std::string_view method, target, host;
  std::string fields;  // "Name: value\r\n" each, without the connection's, the framing's and Host
  std::string body;    // without the chunks it came in
  bool whole = true;   // false: the recorder cut its body
};

// line_fault::aside for a replayed response, ::unfinished for an empty record (two separators in a row).
std::expected<gor_message, line_fault> read_gor_record(std::string_view record);

// Of an id that holds it (24 digits): ports and address of the connection; empty for others.
std::string_view connection_of(std::string_view id);

}  // namespace assay::learn
