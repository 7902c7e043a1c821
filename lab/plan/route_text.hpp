// Names of routes and what stands in them, as files that `assay plan` writes say them.
//
// Misuse: for text that is parsed again without in_quotes().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::plan {

// The names between braces, in order: "/items/{id}/price" has "id".
std::vector<std::string> placeholders_of(std::string_view path);

// "GET /items/{id}/price" and "GET /items/{item}/price" are one route: both are "GET /items/{}/price".
std::string shape_of(std::string_view name);

// Escaped as in_quotes() does, without the quotes.
std::string shown(const std::string& name);

// A share as "12.5 %", three digits.
std::string percent(double share);

}  // namespace assay::plan
