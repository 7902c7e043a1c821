// A line as literal text with fields between: what nginx's log_format, Apache's LogFormat and Envoy's format strings
// all come down to.
//
// One pass: each field ends where the literal behind it begins. Between quotes a backslash escapes, and a quote that
// is not followed by the rest of the literal belongs to the text (writers without escapes).
//
// Misuse: two fields without text between them; nothing tells where the one ends.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/field.hpp"
#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {

inline constexpr std::size_t max_pattern_fields = 128;

struct pattern_step {
  field what = field::skipped;
  std::string after;     // the literal behind; empty for the last field of a line
  bool is_list = false;  // nginx's $upstream_…: "0.1, 0.2 : 0.3" is one value
};

struct line_pattern {
  std::string before;  // the literal at the line's start
  std::vector<pattern_step> steps;
  stamped stamp_is = stamped::end;
  bool open_end = false;      // more columns may follow
  std::string_view behind{};  // what the line proper begins behind, when it is there: "]: " of a syslog head
};

parser_pointer make_pattern_parser(std::string name, line_pattern pattern);

}  // namespace assay::learn
