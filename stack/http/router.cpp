#include "stack/http/router.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace assay::http {
namespace {

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

bool is_well_formed(std::string_view segment) {
  if (!is_parameter(segment)) return segment.find_first_of("{}") == std::string_view::npos;
  return segment.size() > 2 && segment.ends_with('}') &&
         segment.substr(1, segment.size() - 2).find_first_of("{}") == std::string_view::npos;
}

// Takes the first segment, without its slash, off `path`; "" at the end of "/items/".
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

std::size_t parameters_in(const std::vector<std::string>& segments) {
  return static_cast<std::size_t>(std::ranges::count_if(segments, is_parameter));
}

std::vector<std::string> split(std::string_view path_template) {
  const std::string whole(path_template);
  if (!path_template.starts_with('/')) throw std::invalid_argument("a path template begins with '/': " + whole);
  std::vector<std::string> segments;
  while (!path_template.empty()) segments.emplace_back(take_segment(path_template));
  if (!std::ranges::all_of(segments, is_well_formed) || parameters_in(segments) > max_path_parameters) {
    throw std::invalid_argument("a malformed path template: " + whole);
  }
  return segments;
}

// "/items/{id}" and "/items/{name}" are one resource; a literal comes before a parameter.
std::string shape_of(const std::vector<std::string>& segments) {
  std::string shape;
  for (const std::string& each : segments) shape += is_parameter(each) ? "/\x7f" : "/" + each;
  return shape;
}

response not_found() { return response::refused(404, "not_found", "not found"); }

task<response> route(const router& by, request& asked) {
  const router::match_result found = by.match(asked.verb(), asked.path());
  if (found.serve != nullptr) co_return co_await (*found.serve)(asked, found.parameters);
  if (found.allow.empty()) co_return not_found();
  response refused = response::refused(405, "method_not_allowed", "method not allowed");
  refused.headers.emplace_back("allow", found.allow);
  co_return refused;
}

}  // namespace

namespace detail {

task<response> no_such_resource() { co_return not_found(); }

}  // namespace detail

std::string_view path_parameters::operator[](std::string_view name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (held_[i].name == name) return held_[i].text;
  }
  return {};
}

router::resource& router::resource_of(std::string_view path_template) {
  resource fresh{std::string(path_template), split(path_template), {}, {}};
  const std::string shape = shape_of(fresh.segments);
  const auto at =
      std::ranges::lower_bound(resources_, shape, {}, [](const resource& each) { return shape_of(each.segments); });
  if (at == resources_.end() || shape_of(at->segments) != shape) return *resources_.insert(at, std::move(fresh));
  if (at->path_template != path_template) {
    throw std::invalid_argument("two names for one path: " + at->path_template + " and " + fresh.path_template);
  }
  return *at;
}

void router::add(method verb, std::string_view path_template, route_handler serve) {
  resource& at = resource_of(path_template);
  if (std::ranges::find(at.verbs, verb, &verb_route::verb) != at.verbs.end()) {
    throw std::invalid_argument("a route is there already: " + at.path_template);
  }
  at.verbs.push_back({verb, std::move(serve)});
  if (!at.allow.empty()) at.allow += ", ";
  at.allow += to_string_view(verb);
}

void router::expect_parameters(std::string_view path_template, std::size_t count) {
  const std::size_t has = parameters_in(split(path_template));
  if (has == count) return;
  throw std::invalid_argument("a handler of another path: " + std::string(path_template) + " has " +
                              std::to_string(has) + " parameters, it takes " + std::to_string(count));
}

bool router::fits(const resource& candidate, std::string_view path, path_parameters& into) {
  into.count_ = 0;
  for (const std::string& expected : candidate.segments) {
    if (path.empty()) return false;
    const std::string_view segment = take_segment(path);
    if (!is_parameter(expected)) {
      if (segment != expected) return false;
      continue;
    }
    if (segment.empty()) return false;
    const std::string_view name(expected.data() + 1, expected.size() - 2);
    into.held_[into.count_++] = {name, segment};
  }
  return path.empty();
}

router::match_result router::match(method verb, std::string_view path) const {
  match_result found;
  if (!path.starts_with('/')) return found;
  for (const resource& candidate : resources_) {
    if (!fits(candidate, path, found.parameters)) continue;
    found.path_template = candidate.path_template;
    found.allow = candidate.allow;
    const auto served = std::ranges::find(candidate.verbs, verb, &verb_route::verb);
    if (served != candidate.verbs.end()) found.serve = &served->serve;
    return found;
  }
  found.parameters = {};
  return found;
}

handler router::as_handler() const {
  return [this] ASSAY_CORO_WRAPPER(request & asked) { return route(*this, asked); };
}

}  // namespace assay::http
