// Counts of answered requests, by method, route and status.
//
// Misuse: a path as the route. Labels come from the router's templates, so that their number is bounded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/message.hpp"

namespace shop {

class metrics {
 public:
  // `route` must outlive this: a template of the router, or a literal.
  void count(assay::http::method verb, std::string_view route, int status);
  // In Prometheus' text format.
  void append_to(std::string& text) const;

 private:
  struct series {
    assay::http::method verb;
    std::string_view route;
    int status;
    std::uint64_t requests;
  };
  std::vector<series> series_;  // a few dozen at most
};

}  // namespace shop
