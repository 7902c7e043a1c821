// The routes that a service's own description names: paths and methods of an OpenAPI 3 or Swagger 2 document, YAML or
// JSON, as `assay learn --route` takes them; and an example of each body that is JSON, as `assay plan --draft` takes
// it. Nothing else of the document is read.
//
// Misuse: a document that describes several hosts: their paths would be taken for one service's.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

#include "lab/plan/schema_example.hpp"
#include "lab/plan/yaml_tree.hpp"

namespace assay::plan {

// Descriptions are larger than our own files, and their schemas nest.
inline constexpr yaml_limits openapi_limits{
    .bytes = std::size_t{16} << 20, .nesting = 64, .nodes = std::size_t{2'000'000}, .keys = std::size_t{20'000}};
inline constexpr std::size_t most_openapi_routes = 2000;

struct drafted_body {
  std::string content_type;
  schema_example example;
};

struct openapi_found {
  std::vector<std::string> routes;  // "GET /v1/items/{id}": behind the path of the first server, or basePath
  std::map<std::string, drafted_body> bodies = {};  // of requests, by route
  std::vector<std::string> left_out;  // paths that no route can be made of: "api.yaml:7:3: /items/{a}-{b}"
};

// The error is one line that names the file, and the line and column where there is one.
std::expected<openapi_found, std::string> openapi_routes(const std::string& path);
std::expected<openapi_found, std::string> openapi_routes_in(const std::string& path, const std::string& text);

}  // namespace assay::plan
