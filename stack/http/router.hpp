// Which handler serves a method and a path.
//
//   http::router routes;
//   routes.add(http::method::get, "/items/{id}", show_item);     // task<response>(request&, const path_parameters&)
//   int main() { return http::serve(routes.as_handler(), {}); }
//
// A template is made of segments; "{name}" matches one segment that is not empty, a literal wins over it, and there is
// nothing else. An unknown path is 404; a known path with another method is 405 with Allow. A service that answers
// those in its own way, or counts by template, asks match() itself: a template is a good metric label, a path is not.
//
// Misuse: adding routes while serving. Two routes of one method and the same template are a defect of the program:
// add() throws std::invalid_argument, as for a malformed template. Parameters are the text as sent, not decoded: see
// url_text.hpp.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/handler.hpp"

namespace assay::http {

inline constexpr std::size_t max_path_parameters = 8;

// The segments that matched "{name}"; views of the request's head.
class path_parameters {
 public:
  // Empty when the template has no such parameter.
  std::string_view operator[](std::string_view name) const;

 private:
  friend class router;
  struct parameter {
    std::string_view name;
    std::string_view text;
  };
  std::array<parameter, max_path_parameters> held_{};
  std::size_t count_ = 0;
};

class router {
 public:
  using route_handler = task_function<task<response>(request&, const path_parameters&)>;

  void add(method verb, std::string_view path_template, route_handler serve);
  // The same for whoever does not ask for parameters.
  void add(method verb, std::string_view path_template, handler serve);

  struct match_result {
    const route_handler* serve = nullptr;  // none: 404, or 405 when `allow` has text
    std::string_view path_template;        // empty for an unknown path
    std::string_view allow;                // the methods of this path, as the Allow field has them
    path_parameters parameters;
  };
  match_result match(method verb, std::string_view path) const;

  // Serves by these routes, which must outlive the server.
  handler as_handler() const;

 private:
  struct verb_route {
    method verb;
    route_handler serve;
  };
  struct resource {
    std::string path_template;
    std::vector<std::string> segments;  // "{name}" for a parameter
    std::vector<verb_route> verbs;
    std::string allow;
  };
  static bool fits(const resource& candidate, std::string_view path, path_parameters& into);
  resource& resource_of(std::string_view path_template);

  std::vector<resource> resources_;  // those with literals where others have parameters come first
};

}  // namespace assay::http
