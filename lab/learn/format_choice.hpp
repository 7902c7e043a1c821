// Which formats the lines of an input may be in: all that are known, or the one that the user named.
//
//   ""                             whichever the first lines are in
//   "caddy"                        a format by its name
//   '$remote_addr … "$request" …'  a format string of nginx, Apache or Envoy, or a whole log_format or LogFormat
//   directive
//   "@/etc/nginx/nginx.conf"       those of a server's configuration; "@FILE#main" one of them
//   "json:time=ts,method=…"        which member of a JSON line is what
//
// Misuse: none; parse() says what was expected.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/learn/line/json_line.hpp"
#include "lab/learn/line/pattern.hpp"

namespace assay::learn {

inline constexpr std::size_t max_configuration_bytes = std::size_t{4} * 1024 * 1024;

class format_choice {
 public:
  static std::expected<format_choice, std::string> parse(const std::string& typed);

  bool is_automatic() const { return names_.empty() && patterns_.empty() && !mapping_; }
  // Whether a file that begins as a HAR file does is one.
  bool allows_archive() const;
  // New ones, for one input.
  std::vector<parser_pointer> parsers() const;

 private:
  std::expected<void, std::string> add_configuration(const std::string& text, const std::string& wanted);
  std::expected<void, std::string> add_file(const std::string& typed);

  std::vector<std::string> names_;
  std::vector<std::pair<std::string, line_pattern>> patterns_;
  std::optional<json_mapping> mapping_;
};

}  // namespace assay::learn
