// What stands for a {name} in a request: `--feed name=SOURCE`, bound to the requests that carry it.
//
//   id=ids.csv         its column "id"; ids.csv:user its column "user"; .jsonl likewise, by member
//   id=ids.txt         a line each
//   id=int:1..1000     uniform; id=zipf:1..1000 with exponent 1, id=zipf:1..1000^0.8 with that
//   id=seq, id=seq:100 a number that rises with the requests: none comes twice
//   id=uuid
//
// Where requests are written by others (a curl line, a HAR file, a URL), only a {name} that a feed has is filled in,
// and any other brace is itself.
//
// Two columns of one file are drawn by the row: a user comes with its password. Two names for one column are drawn each
// by itself, as two users are.
//
// Misuse: two files for what belongs together: each request draws both by themselves.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/model/plan.hpp"

namespace assay::load {

using feed_map = std::map<std::string, model::value_source>;

// The error says what was expected, or names the file and the line.
std::expected<std::pair<std::string, model::value_source>, std::string> parse_feed(std::string_view text);

// `text` as a template in which only the feeds are placeholders.
std::string template_of(std::string_view text, const feed_map& feeds);
// The same of a request's target, header values and body. It gets the name "METHOD TARGET".
model::bound_route route_with_feeds(model::bound_route written, const feed_map& feeds);

// Gives each route the feeds whose {name} it carries and has no value for. Refuses a feed that none carries.
std::expected<void, std::string> bind_feeds(std::vector<model::bound_route>& routes, const feed_map& feeds);

// Adds the headers, which are no templates, to every route that has none of that name.
void add_headers(std::vector<model::bound_route>& routes,
                 const std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace assay::load
