// Logs of one JSON object a line: Caddy, Traefik, Envoy, nginx with escape=json, and any other by a mapping.
//
// A mapping says which member holds which field. Where several names are usual the first in the line counts.
//
// Misuse: a mapping of a duration to the wrong unit; a number does not tell its own.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/field.hpp"
#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {

inline constexpr std::size_t max_json_keys = 64;

struct json_key {
  std::string path;  // "request.headers.User-Agent"
  field what = field::skipped;
};

struct json_mapping {
  std::string name;
  std::string marker;  // a member without which an object is an entry of another kind; empty: any has it
  std::vector<json_key> keys;
  stamped stamp_is = stamped::end;
};

// "time=@timestamp,method=http.method,target=url,status=code,took_ms=latency"
std::expected<json_mapping, std::string> parse_mapping(std::string_view text);

parser_pointer make_json_parser(json_mapping mapping);

json_mapping caddy_mapping();
json_mapping traefik_mapping();
json_mapping envoy_mapping();
// The names that nginx's variables give, and others that are usual.
json_mapping usual_mapping();

// One entry of a HAR file, {"startedDateTime": …, "request": {…}, "response": {…}}.
parser_pointer make_har_parser();

}  // namespace assay::learn
