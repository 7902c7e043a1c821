#include "lab/learn/path_tree.hpp"

#include <algorithm>
#include <utility>

#include "lab/learn/line/access_line.hpp"
#include "lab/learn/path_node.hpp"

namespace assay::learn {
namespace {

constexpr std::uint16_t most_credit = 16;  // of a target that is known
constexpr std::uint64_t fewest_to_be_a_word = 20;

constexpr std::string_view never_found = "never found (only 400, 404 or 405)";
constexpr std::string_view too_many_paths = "too many different paths";
constexpr std::string_view too_many_methods = "too many different methods";
static_assert(max_routes == 100, "the text of too_many_routes says so");

// "/items/{id}" and "/items/{item}" are one route.
bool is_same_route(const route_pattern& a, const route_pattern& b) {
  return a.method == b.method &&
         std::ranges::equal(a.parts, b.parts, [](const template_part& one, const template_part& other) {
           return one.is_placeholder == other.is_placeholder && one.text == other.text;
         });
}

std::size_t routes_below(const path_tree::node& of) {
  std::size_t routes = of.here && of.here->unknown < of.here->requests ? 1 : 0;
  for (const auto& [key, below] : of.literals) routes += routes_below(*below);
  for (const auto& [key, below] : of.folded) routes += routes_below(*below);
  return routes;
}

}  // namespace

path_tree::path_tree(std::vector<route_pattern> patterns) {
  for (route_pattern& each : patterns) user_routes_.push_back({.pattern = std::move(each), .counts = {}});
}

path_tree::~path_tree() = default;

// Of the routes that the user named; null when it is none of them.
route_counts* path_tree::place_named(const walk& of) {
  for (user_route& each : user_routes_) {
    if (!each.pattern.matches(of.method, *of.target)) continue;
    for (std::size_t i = 0; i < each.pattern.parts.size(); ++i) {
      const template_part& part = each.pattern.parts[i];
      if (!part.is_placeholder) continue;
      const std::string_view segment = of.target->segments[i];
      add_value(each.counts.values[i], segment.substr(0, segment.size() - part.text.size()), of.times, of.found);
    }
    return &each.counts;
  }
  return nullptr;
}

route_counts* path_tree::place(const walk& of) {
  by_its_shape_ = true;
  if (route_counts* const named = place_named(of)) {
    named->count_keys(*of.target, of.times);
    return named;
  }
  auto method = methods_.find(of.method);
  if (method == methods_.end()) {
    if (methods_.size() == max_methods) {
      other_[std::string(too_many_methods)] += of.times;
      return nullptr;
    }
    method = methods_.emplace(of.method, std::make_unique<node>()).first;
  }
  const std::vector<std::string_view>& segments = of.target->segments;
  std::vector<std::size_t> captured;
  node* at = method->second.get();
  for (std::size_t depth = 0; at != nullptr; ++depth) {
    at->hits += of.times;
    at->answered = at->answered || of.found > 0;
    if (depth == segments.size()) break;
    at = step(*at, depth, segments[depth], captured);
  }
  if (at == nullptr) {
    other_[std::string(too_many_paths)] += of.times;
    return nullptr;
  }
  if (!at->here) at->here = std::make_unique<route_counts>();
  for (const std::size_t depth : captured) {
    add_value(at->here->values[depth], folded_value(segments[depth]), of.times, of.found);
  }
  at->here->count_keys(*of.target, of.times);
  return at->here.get();
}

void path_tree::add_value(value_counts& to, std::string_view value, std::uint64_t times, std::uint64_t found) {
  if (found > 0) to.add(value, found, room_.values, true);
  if (times > found) to.add(value, times - found, room_.values, false);
}

bool path_tree::add(std::string_view method, std::string_view logged, const answer& given) {
  if (nodes_ >= compact_at_) make_room();
  auto [known, is_known] = memo_.at(method, logged);
  const std::uint64_t found = is_unknown_answer(given.status) ? 0 : 1;
  if (is_known) {
    ++known.times;
    known.found += found;
    if (known.credit < most_credit) ++known.credit;
    known.add(given, room_);
    note(known.counts, given);
    return true;
  }
  const bool escaped = logged.find('\\') != std::string_view::npos;
  if (!split(escaped ? unescape(logged) : logged, target_)) return false;
  route_counts* const counts = place({.method = method, .target = &target_, .times = 1, .found = found});
  note(counts, given);
  if (counts == nullptr) return true;
  counts->count(given, 1, room_);
  if (!by_its_shape_) return true;
  if (known.counts != nullptr && known.credit > 0) {
    --known.credit;
    return true;
  }
  target_memo::forget(known, [&](known_target& forgotten) { tell(forgotten); });
  memo_.keep(known, method, logged, counts);
  return true;
}

// What of a request is not counted with others like it. Null: it has no place.
void path_tree::note(route_counts* counts, const answer& given) {
  if (given.took_us && counts != nullptr) counts->took.record(*given.took_us, room_.time_buckets);
  if (!given.is_followed) return;
  if (counts != nullptr && counts->place == 0) counts->place = ++places_;
  last_place_ = counts == nullptr ? no_place : counts->place;
}

void path_tree::tell(known_target& forgotten) {
  forgotten.count_same(room_);
  const bool escaped = forgotten.target().find('\\') != std::string_view::npos;
  if (!split(escaped ? unescape(forgotten.target()) : forgotten.target(), told_)) return;
  const bool before = by_its_shape_;  // of a walk in the middle of which room is made
  place({.method = forgotten.method(), .target = &told_, .times = forgotten.times, .found = forgotten.found});
  by_its_shape_ = before;
}

// The child for `segment`; null when there is no room for it.
path_tree::node* path_tree::step(node& from, std::size_t depth, std::string_view segment,
                                 std::vector<std::size_t>& captured) {
  if (const auto known = from.literals.find(segment); known != from.literals.end()) return known->second.get();
  const bool is_value = is_typed(classify(segment)) || (from.is_open && !segment.empty() && ending_of(segment).empty());
  if (!is_value && from.literals.size() >= max_children) prune(from, depth);
  if (is_value || (nodes_ >= max_nodes && !segment.empty())) {
    by_its_shape_ = by_its_shape_ && is_value;
    captured.push_back(depth);
    return child(from.folded, folded_key(segment));
  }
  return child(from.literals, segment);
}

path_tree::node* path_tree::child(children& of, std::string_view key) {
  auto found = of.find(key);
  if (found == of.end()) {
    if (nodes_ >= max_nodes_at_all) return nullptr;
    ++nodes_;
    found = of.emplace(key, std::make_unique<node>()).first;
  }
  return found->second.get();
}

void path_tree::take(routes_found& found, model::route route, const route_counts& counts) {
  found.blocks[route.name()].merge(counts.blocks);
  std::vector<std::uint32_t>& places = found.places[route.name()];
  if (counts.place != 0) places.push_back(counts.place);
  places.insert(places.end(), counts.merged_places.begin(), counts.merged_places.end());
  found.routes.push_back(std::move(route));
}

void path_tree::collect(const std::string& method, const node& at, std::vector<template_part>& parts,
                        routes_found& found) const {
  if (at.here && at.here->unknown == at.here->requests) {
    found.other[std::string(never_found)] += at.here->requests;
  } else if (at.here) {
    std::vector<template_part> named = parts;
    name_placeholders(named);
    take(found, describe(method, named, *at.here), *at.here);
  }
  for (const auto& [segment, below] : at.literals) {
    parts.push_back({.text = segment, .name = {}, .is_placeholder = false});
    collect(method, *below, parts, found);
    parts.pop_back();
  }
  for (const auto& [key, below] : at.folded) {
    std::optional<std::string_view> value;
    if (below->hits >= fewest_to_be_a_word && has_one_value(*below, parts.size(), value) && value &&
        is_harmless(*value)) {
      parts.push_back({.text = std::string(*value) + key.substr(2), .name = {}, .is_placeholder = false});
    } else {
      parts.push_back({.text = key.substr(2), .name = {}, .is_placeholder = true, .why = why_folded(*below)});
    }
    collect(method, *below, parts, found);
    parts.pop_back();
  }
}

routes_found path_tree::finish() {
  memo_.forget_all([&](known_target& forgotten) { tell(forgotten); });
  routes_found found{.routes = {}, .other = other_, .blocks = {}, .places = {}};
  for (const user_route& each : user_routes_) {
    if (each.counts.requests > 0) {
      take(found, describe(each.pattern.method, each.pattern.parts, each.counts), each.counts);
    }
  }
  fold_all();
  std::size_t routes = found.routes.size();
  for (const auto& [method, root] : methods_) routes += routes_below(*root);
  pressed_ = routes > max_routes;
  if (pressed_) fold_all();
  for (const auto& [method, root] : methods_) {
    std::vector<template_part> parts;
    collect(method, *root, parts, found);
  }
  std::ranges::sort(found.routes, [](const model::route& a, const model::route& b) {
    return std::pair(b.requests, a.name()) < std::pair(a.requests, b.name());
  });
  while (found.routes.size() > max_routes) {
    found.other[std::string(too_many_routes)] += found.routes.back().requests;
    found.routes.pop_back();
  }
  return found;
}

std::vector<std::string> path_tree::unmatched() const {
  std::vector<std::string> patterns;
  for (const user_route& each : user_routes_) {
    const bool typed = each.pattern.described_by.empty();
    if (typed && each.counts.requests == 0) patterns.push_back(each.pattern.typed);
  }
  return patterns;
}

std::optional<described_use> path_tree::described() const {
  std::optional<described_use> use;
  for (const user_route& each : user_routes_) {
    if (each.pattern.described_by.empty()) continue;
    if (!use) use.emplace().file = each.pattern.described_by;
    ++use->routes;
    // What was typed goes before, and takes the requests.
    const auto typed = std::ranges::find_if(user_routes_, [&](const user_route& other) {
      return other.pattern.described_by.empty() && is_same_route(other.pattern, each.pattern);
    });
    const user_route& asked = typed == user_routes_.end() ? each : *typed;
    if (asked.counts.requests == 0) continue;
    const std::string name = describe(asked.pattern.method, asked.pattern.parts, asked.counts).name();
    if (!use->names.insert(name).second) continue;
    ++use->asked_for;
    use->requests += asked.counts.requests;
  }
  return use;
}

}  // namespace assay::learn
