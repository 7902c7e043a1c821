// Which handler serves a method and a path.
//
//   task<http::response> show_line(http::request& asked, std::int64_t order, std::string sku);
//   http::router routes;
//   routes.add(http::method::get, "/orders/{order}/lines/{sku}", show_line);
//   int main() { return http::serve(routes.as_handler(), {}); }
//
// A template is made of segments; "{name}" matches one segment that is not empty, a literal wins over it, and there is
// nothing else. An unknown path is 404; a known path with another method is 405 with Allow. A service that answers
// those in its own way, or counts by template, asks match() itself: a template is a good metric label, a path is not.
//
// Behind the request a handler takes the template's parameters, in its order and by value, so that a coroutine owns
// them; what they can be is in text_value.hpp. A segment that is no such value is 404, not 400: what it names is a
// resource that cannot be there, as an id that nobody has. match() does not look at types, so it is counted under its
// template. A service that has promised another answer takes a std::string_view, and reads it itself. A handler of the
// request alone serves any template; one that takes `const path_parameters&` is given them as text, by their names.
//
// A handler mostly needs what its loop owns. with() binds it, so that no lambda has to be written that must not be a
// coroutine; what it points to is to outlive the routes, or to hold them itself:
//
//   task<http::response> show_item(catalogue* of, std::int32_t id);      // or (catalogue* of, http::request&, ...)
//   of->routes.add(http::method::get, "/items/{id}", http::with(of, &show_item));
//
// Misuse: adding routes while serving. Two routes of one method and the same template are a defect of the program:
// add() throws std::invalid_argument, as for a malformed template, and for a handler that takes more or fewer values
// than its template has parameters.
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "stack/http/handler.hpp"
#include "stack/http/text_value.hpp"

namespace assay::http {

inline constexpr std::size_t max_path_parameters = 8;

// The segments that matched "{name}", as they were sent: views of the request's head.
class path_parameters {
 public:
  // Empty when the template has no such parameter.
  std::string_view operator[](std::string_view name) const;
  // By its place in the template, from 0; empty behind the last.
  std::string_view text_of(std::size_t place) const { return place < count_ ? held_[place].text : std::string_view(); }

 private:
  friend class router;
  struct parameter {
    std::string_view name;
    std::string_view text;
  };
  std::array<parameter, max_path_parameters> held_{};
  std::size_t count_ = 0;
};

namespace detail {

// What a handler takes behind the request, of its signature. The functions are only declared.
template <class... Values>
struct taken {};

template <class... Values>
taken<Values...> taken_by(task<response> (*)(request&, Values...));
template <class Body, class... Values>
taken<Values...> taken_by(task<response> (Body::*)(request&, Values...));
template <class Body, class... Values>
taken<Values...> taken_by(task<response> (Body::*)(request&, Values...) const);

template <class Handler>
consteval auto taken_of() {
  if constexpr (requires(Handler serve) { taken_by(serve); }) {
    return decltype(taken_by(std::declval<Handler>()))();
  } else if constexpr (requires { taken_by(&Handler::operator()); }) {
    return decltype(taken_by(&Handler::operator()))();
  } else if constexpr (std::invocable<Handler&, request&, const path_parameters&>) {  // of no one signature
    return taken<const path_parameters&>();
  } else {
    static_assert(std::invocable<Handler&, request&>,
                  "a handler is a task<response>(request&), which may take the parameters of its path behind the "
                  "request; one with several signatures takes them as const path_parameters&");
    return taken<>();
  }
}

task<response> no_such_resource();  // 404

// A handler that takes values as one that takes text.
template <class Handler, class... Values>
struct value_reader {
  ASSAY_CORO_WRAPPER task<response> operator()(request& asked, const path_parameters& given) {
    return read_all(asked, given, std::index_sequence_for<Values...>());
  }
  template <std::size_t... Places>
  ASSAY_CORO_WRAPPER task<response> read_all(request& asked, [[maybe_unused]] const path_parameters& given,
                                             std::index_sequence<Places...>) {
    return serve_with(asked, segment_value<Values>(given.text_of(Places))...);
  }
  ASSAY_CORO_WRAPPER task<response> serve_with(request& asked, std::optional<Values>... values) {
    if (!(values.has_value() && ...)) return no_such_resource();
    return serve(asked, *std::move(values)...);
  }

  Handler serve;
};

}  // namespace detail

namespace detail {

template <class State, class... Values>
struct bound_to_request {
  ASSAY_CORO_WRAPPER task<response> operator()(request& asked, Values... values) const {
    return serve(of, asked, std::move(values)...);
  }
  State* of;
  task<response> (*serve)(State*, request&, Values...);
};

template <class State, class... Values>
struct bound_to_values {
  ASSAY_CORO_WRAPPER task<response> operator()(request& /*asked*/, Values... values) const {
    return serve(of, std::move(values)...);
  }
  State* of;
  task<response> (*serve)(State*, Values...);
};

}  // namespace detail

// A handler for router::add(): `serve` with `of` in front. A function that needs no more than the path's parameters may
// leave the request out.
template <class State, class... Values>
auto with(State* of, task<response> (*serve)(State*, request&, Values...)) {
  return detail::bound_to_request<State, Values...>{of, serve};
}
template <class State, class... Values>
auto with(State* of, task<response> (*serve)(State*, Values...)) {
  return detail::bound_to_values<State, Values...>{of, serve};
}

class router {
 public:
  using route_handler = task_function<task<response>(request&, const path_parameters&)>;

  void add(method verb, std::string_view path_template, route_handler serve);
  // A function, or an object with one signature: task<response>(request&, Values...), or the request alone.
  template <class Handler>
  void add(method verb, std::string_view path_template, Handler serve) {
    add_taking(verb, path_template, std::move(serve), detail::taken_of<Handler>());
  }

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
  template <class Handler, class... Values>
  void add_taking(method verb, std::string_view path_template, Handler serve, detail::taken<Values...>) {
    static_assert((!std::is_reference_v<Values> && ...),
                  "a handler takes the parameters of its path by value: a coroutine outlives what a reference is to");
    if (sizeof...(Values) != 0) expect_parameters(path_template, sizeof...(Values));
    add(verb, path_template,
        route_handler(detail::value_reader<Handler, std::remove_cvref_t<Values>...>{std::move(serve)}));
  }
  template <class Handler>
  void add_taking(method verb, std::string_view path_template, Handler serve, detail::taken<const path_parameters&>) {
    add(verb, path_template, route_handler(std::move(serve)));
  }
  template <class Handler>
  void add_taking(method verb, std::string_view path_template, Handler serve, detail::taken<path_parameters>) {
    add(verb, path_template, route_handler(std::move(serve)));
  }
  static void expect_parameters(std::string_view path_template, std::size_t count);
  static bool fits(const resource& candidate, std::string_view path, path_parameters& into);
  resource& resource_of(std::string_view path_template);

  std::vector<resource> resources_;  // those with literals where others have parameters come first
};

}  // namespace assay::http
