#include "lab/learn/fold.hpp"

#include <algorithm>
#include <functional>
#include <ranges>
#include <set>

namespace assay::learn {
namespace {

constexpr std::string_view value_mark = "{}";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_date(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-' &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '-'; });
}

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

// "items" gives "id", for it is what an item is known by; elsewhere p1, p2, …
std::string name_of(const std::vector<std::string>& segments, std::size_t at, std::size_t number, std::size_t count) {
  const bool after_plural = at > 0 && segments[at - 1].ends_with('s') && segments[at - 1] != value_mark;
  if (after_plural && count == 1) return "id";
  if (after_plural) return segments[at - 1].substr(0, segments[at - 1].size() - 1) + "_id";
  return "p" + std::to_string(number + 1);
}

void merge_values(folded_value& into, const folded_value& from) {
  for (const auto& [value, count] : from.counts) {
    if (into.counts.size() < max_values || into.counts.contains(value)) {
      into.counts[value] += count;
    } else {
      into.beyond += count;
    }
  }
  into.beyond += from.beyond;
  if (into.shape != from.shape) into.shape = "text";
}

}  // namespace

std::string_view shape_of(std::string_view segment) {
  if (segment.empty() || segment.size() > 256) return {};
  if (std::ranges::all_of(segment, is_digit)) return "integer";
  if (is_uuid(segment)) return "uuid";
  if (is_date(segment)) return "date";
  const bool hex = segment.size() >= 8 && std::ranges::all_of(segment, is_hex);
  if (hex && std::ranges::any_of(segment, is_digit)) return "hex";
  return {};
}

std::string folded_route::path() const {
  std::string text;
  std::size_t value = 0;
  for (const std::string& each : segments) {
    text += '/';
    text += each == value_mark ? "{" + values[value++].name + "}" : each;
  }
  return text;
}

std::expected<void, std::string> route_folder::add_pattern(std::string_view text) {
  const auto space = text.find(' ');
  const auto refuse = [&](std::string_view why) {
    return std::unexpected("route pattern \"" + std::string(text) + "\": " + std::string(why));
  };
  if (space == std::string_view::npos || !text.substr(space + 1).starts_with('/')) {
    return refuse("expected METHOD /PATH, as in GET /items/{id}");
  }
  pattern made{.method = std::string(text.substr(0, space)), .segments = {}, .names = {}};
  for (const std::string_view segment : split(text.substr(space + 1))) {
    const bool value = segment.starts_with('{') && segment.ends_with('}') && segment.size() > 2;
    if (!value && segment.find_first_of("{}") != std::string_view::npos) {
      return refuse("a placeholder is a whole segment, as in /items/{id}");
    }
    if (value) made.names.emplace_back(segment.substr(1, segment.size() - 2));
    made.segments.emplace_back(value ? value_mark : segment);
  }
  patterns_.push_back(std::move(made));
  return {};
}

const route_folder::pattern* route_folder::match(std::string_view method,
                                                 const std::vector<std::string_view>& segments) const {
  for (const pattern& each : patterns_) {
    const bool same = each.method == method && std::ranges::equal(each.segments, segments, [](const auto& a, auto b) {
                        return a == value_mark ? !b.empty() : a == b;
                      });
    if (same) return &each;
  }
  return nullptr;
}

std::size_t route_folder::add(std::string_view method, std::string_view path) {
  const std::vector<std::string_view> segments = split(path);
  const pattern* const known = match(method, segments);
  std::string key(method);
  std::vector<std::string_view> found;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool value = known != nullptr ? known->segments[i] == value_mark : !shape_of(segments[i]).empty();
    key += '/';
    key += value ? value_mark : segments[i];
    if (value) found.push_back(segments[i]);
  }
  auto place = index_.find(key);
  if (place == index_.end()) {
    if (routes_.size() >= max_templates) return other;
    folded_route made{.method = std::string(method), .segments = {}, .values = {}, .members = {routes_.size()}};
    for (const std::string_view each : split(std::string_view(key).substr(method.size())))
      made.segments.emplace_back(each);
    for (std::size_t i = 0; i < found.size(); ++i) {
      made.values.push_back({.name = known != nullptr ? known->names[i] : std::string(),
                             .shape = std::string(shape_of(found[i])),
                             .counts = {}});
      if (made.values.back().shape.empty()) made.values.back().shape = "text";
    }
    place = index_.emplace(key, routes_.size()).first;
    routes_.push_back(std::move(made));
  }
  folded_route& route = routes_[place->second];
  route.requests++;
  for (std::size_t i = 0; i < found.size(); ++i) {
    folded_value& value = route.values[i];
    const auto counted = value.counts.find(std::string(found[i]));
    if (counted != value.counts.end()) {
      counted->second++;
    } else if (value.counts.size() < max_values) {
      value.counts.emplace(found[i], 1);
    } else {
      value.beyond++;
    }
  }
  return place->second;
}

// Siblings that differ in one literal alone, many and seldom asked for, become one route with a value there.
void route_folder::merge_children(std::vector<folded_route>& routes) const {
  using place = std::pair<std::size_t, std::string>;  // the segment left out, and everything else
  std::map<place, std::vector<std::size_t>> siblings;
  for (std::size_t r = 0; r < routes.size(); ++r) {
    for (std::size_t at = 0; at < routes[r].segments.size(); ++at) {
      if (routes[r].segments[at] == value_mark || routes[r].segments[at].empty()) continue;
      std::string key = routes[r].method;
      for (std::size_t i = 0; i < routes[r].segments.size(); ++i) key += "/" + (i == at ? "*" : routes[r].segments[i]);
      siblings[{at, key}].push_back(r);
    }
  }
  std::set<std::size_t> gone;
  for (const auto& [key, children] : siblings) {
    std::vector<std::size_t> seldom;
    std::vector<std::uint64_t> counts;
    for (const std::size_t child : children) {
      if (gone.contains(child)) continue;
      counts.push_back(routes[child].requests);
      seldom.push_back(child);
    }
    if (seldom.size() <= many_children) continue;
    std::ranges::sort(counts);
    const auto median = static_cast<double>(counts[counts.size() / 2]);
    if (median > seldom_asked) continue;
    // One with support of its own stays a literal: /items/me.
    std::erase_if(seldom, [&](std::size_t child) {
      return static_cast<double>(routes[child].requests) > 50 * std::max(1.0, median);
    });
    const std::size_t at = key.first;
    folded_route& first = routes[seldom.front()];
    const auto before = static_cast<std::size_t>(
        std::count(first.segments.begin(), first.segments.begin() + static_cast<std::ptrdiff_t>(at), value_mark));
    folded_value slug{.name = {}, .shape = "slug", .counts = {}};
    for (const std::size_t child : seldom) slug.counts[routes[child].segments[at]] += routes[child].requests;
    for (const std::size_t child : seldom | std::views::drop(1)) {
      folded_route& from = routes[child];
      first.requests += from.requests;
      first.members.insert(first.members.end(), from.members.begin(), from.members.end());
      for (std::size_t i = 0; i < first.values.size(); ++i) merge_values(first.values[i], from.values[i]);
      gone.insert(child);
    }
    first.segments[at] = value_mark;
    first.values.insert(first.values.begin() + static_cast<std::ptrdiff_t>(before), std::move(slug));
  }
  std::vector<folded_route> kept;
  for (std::size_t r = 0; r < routes.size(); ++r) {
    if (!gone.contains(r)) kept.push_back(std::move(routes[r]));
  }
  routes = std::move(kept);
}

std::vector<folded_route> route_folder::finish() {
  std::vector<folded_route> routes = std::move(routes_);
  index_.clear();
  routes_.clear();
  merge_children(routes);
  for (folded_route& each : routes) {
    std::size_t number = 0;
    for (std::size_t at = 0; at < each.segments.size(); ++at) {
      if (each.segments[at] != value_mark) continue;
      folded_value& value = each.values[number];
      if (value.name.empty()) value.name = name_of(each.segments, at, number, each.values.size());
      number++;
    }
  }
  // By name where requests are equal, so that the order is the same every time.
  std::ranges::sort(routes, [](const folded_route& a, const folded_route& b) {
    return a.requests != b.requests ? a.requests > b.requests : a.segments < b.segments;
  });
  return routes;
}

}  // namespace assay::learn
