// The one interface in front of every format: a line in, a request or a named fault out.
//
// A parser may remember what came before (the columns of a W3C log, the parts of a recorded message), so each input has
// its own.
//
// Misuse: keeping a line's views beyond the next call; they point into the text that was given, or into the parser.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/access_line.hpp"

namespace assay::learn {

class line_parser {
 public:
  line_parser() = default;
  virtual ~line_parser() = default;
  line_parser(const line_parser&) = delete;
  line_parser& operator=(const line_parser&) = delete;

  virtual std::string_view name() const = 0;
  virtual std::expected<access_line, line_fault> parse(std::string_view line) = 0;

  // What is still held back at the end of an input, one after another, then line_fault::unfinished.
  virtual std::expected<access_line, line_fault> rest() { return std::unexpected(line_fault::unfinished); }
  // Forgets what came before: the next line is an input's first.
  virtual void reset() {}
  // Whether lines are parts of records, so that one beyond max_line_bytes is a body and no fault.
  virtual bool joins_lines() const { return false; }
};

using parser_pointer = std::unique_ptr<line_parser>;

// What every parser refuses at once.
std::expected<void, line_fault> check_line(std::string_view line);

// Common, combined, with a virtual host, nginx's `main`.
parser_pointer make_clf_parser();

// The names that make_parser() knows, the likeliest first.
std::vector<std::string_view> format_names();

// Null for a name that is none.
parser_pointer make_parser(std::string_view name);

// One line about the format, for help.
std::string_view format_summary(std::string_view name);

}  // namespace assay::learn
