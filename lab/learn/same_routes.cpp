#include "lab/learn/same_routes.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace assay::learn {
namespace {

using model::measure;
using model::measure_kind;

// Placeholders are named by what stands around them, which may differ: "GET /items/{}".
std::string without_names(std::string_view route) {
  std::string made;
  bool inside = false;
  for (const char c : route) {
    if (c == '}') inside = false;
    if (!inside) made += c;
    if (c == '{') inside = true;
  }
  return made;
}

std::string_view take_segment(std::string_view& path) {
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(std::min(segment.size() + 1, path.size()));
  return segment;
}

// "GET /items/{}" covers "GET /items/17", and "{}.css" "app.css". Both without names.
bool covers(std::string_view general, std::string_view special) {
  if (std::ranges::count(general, '/') != std::ranges::count(special, '/')) return false;
  while (!general.empty() || !special.empty()) {
    const std::string_view pattern = take_segment(general);
    const std::string_view segment = take_segment(special);
    if (pattern == segment) continue;
    if (!pattern.starts_with("{}")) return false;
    const std::string_view ending = pattern.substr(2);
    if (segment.size() <= ending.size() || !segment.ends_with(ending)) return false;
  }
  return true;
}

std::vector<std::string> routes_of(std::span<const measure> all) {
  std::vector<std::string> names;
  for (const measure& each : all) {
    if (each.kind == measure_kind::route) names.push_back(without_names(each.of));
  }
  return names;
}

// As the other side calls it; else as it is called here.
std::string name_of(const std::string& own, const std::vector<std::string>& others) {
  if (std::ranges::find(others, own) != others.end()) return own;
  const auto found = std::ranges::find_if(others, [&](const std::string& each) { return covers(each, own); });
  return found == others.end() ? own : *found;
}

// Several that are one on the other side become one; their errors add up as if they were independent.
std::vector<measure> renamed(std::span<const measure> all, const std::vector<std::string>& others) {
  std::vector<measure> made;
  for (const measure& each : all) {
    measure next = each;
    if (each.kind != measure_kind::route) {
      made.push_back(std::move(next));
      continue;
    }
    next.of = name_of(without_names(each.of), others);
    const auto same = std::ranges::find_if(
        made, [&](const measure& known) { return known.kind == measure_kind::route && known.of == next.of; });
    if (same == made.end()) {
      made.push_back(std::move(next));
    } else {
      same->value += next.value;
      same->error = std::hypot(same->error, next.error);
      same->freedom = std::min(same->freedom, next.freedom);
    }
  }
  return made;
}

}  // namespace

matched_measures::matched_measures(std::span<const measure> a, std::span<const measure> b)
    : a_(renamed(a, routes_of(b))), b_(renamed(b, routes_of(a))) {}

}  // namespace assay::learn
