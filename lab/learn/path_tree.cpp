#include "lab/learn/path_tree.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "lab/learn/line/access_line.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t many_rare = 20;    // siblings, when half of them came twice at most
constexpr std::size_t many_at_all = 64;  // siblings that no table of routes has
constexpr std::size_t many_files = 3;    // of one extension, when there are too many routes
constexpr std::uint64_t rare_hits = 2;
constexpr std::uint64_t fewest_to_stay = 20;
constexpr std::uint64_t stays_at_root = 1000;  // one in so many requests of the parent; sections of a site
constexpr std::uint64_t stays_below_root = 100;
constexpr std::uint32_t most_credit = 16;  // of a target that is known
constexpr std::uint64_t gap_to_stay = 4;   // popularity alone does not make a rank four times its next

constexpr std::string_view never_found = "never found (only 400, 404 or 405)";
constexpr std::string_view too_many_paths = "too many different paths";
constexpr std::string_view too_many_methods = "too many different methods";
constexpr std::string_view too_many_routes = "beyond the 100 most frequent routes";
static_assert(max_routes == 100, "the text above says so");

// Of a file; jane@example.com is none.
std::string_view ending_of(std::string_view segment) {
  const std::string_view extension = file_extension(segment);
  return extension.empty() || classify(segment) == shape::email ? std::string_view() : extension;
}

// Of a folded child: "{}" or "{}.css". A literal cannot be one, its braces are escaped.
std::string folded_key(std::string_view segment) {
  const std::string_view extension = ending_of(segment);
  return extension.empty() ? "{}" : "{}." + std::string(extension);
}

std::string_view folded_value(std::string_view segment) {
  const std::string_view extension = ending_of(segment);
  return extension.empty() ? segment : segment.substr(0, segment.size() - extension.size() - 1);
}

}  // namespace

struct path_tree::node {
  std::uint64_t hits = 0;
  bool answered = false;  // something below got another answer than "unknown"
  children literals;
  children folded;
  std::unique_ptr<route_counts> here;
};

namespace {

// The value that every route below had at `depth`, when there is just one; `value` keeps it.
bool has_one_value(const path_tree::node& of, std::size_t depth, std::optional<std::string_view>& value) {
  if (of.here) {
    const auto counts = of.here->values.find(depth);
    const auto only = counts == of.here->values.end() ? std::nullopt : counts->second.only_value();
    if (!only || value.value_or(*only) != *only) return false;
    value = only;
  }
  const auto same = [&](const auto& each) { return has_one_value(*each.second, depth, value); };
  return std::ranges::all_of(of.literals, same) && std::ranges::all_of(of.folded, same);
}

std::size_t routes_below(const path_tree::node& of) {
  std::size_t routes = of.here && of.here->unknown < of.here->requests ? 1 : 0;
  for (const auto& [key, below] : of.literals) routes += routes_below(*below);
  for (const auto& [key, below] : of.folded) routes += routes_below(*below);
  return routes;
}

// What kind of a place a child is: ends here, goes on with values, goes on with words. Equal for values of one kind.
std::string outline(const path_tree::node& of) {
  std::string shown = of.here ? "." : "";
  for (const auto& [key, below] : of.folded) shown += key;
  if (!of.literals.empty()) shown += '/';
  return shown;
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
  known_target& known = memo_.at(method, logged);
  const std::uint64_t found = is_unknown_answer(given.status) ? 0 : 1;
  if (known.is(method, logged)) {
    ++known.times;
    known.found += found;
    known.credit = std::min(known.credit + 1, most_credit);
    known.counts->count(given, room_);
    return true;
  }
  const bool escaped = logged.find('\\') != std::string_view::npos;
  if (!split(escaped ? unescape(logged) : logged, target_)) return false;
  route_counts* const counts = place({.method = method, .target = &target_, .times = 1, .found = found});
  if (counts == nullptr) return true;
  counts->count(given, room_);
  if (!by_its_shape_) return true;
  if (known.counts != nullptr && known.credit > 0) {
    --known.credit;
    return true;
  }
  target_memo::forget(known, [&](const known_target& forgotten) { tell(forgotten); });
  memo_.keep(known, method, logged, counts);
  return true;
}

void path_tree::tell(const known_target& forgotten) {
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
  const bool typed = is_typed(classify(segment));
  if (!typed && from.literals.size() >= max_children) prune(from, depth);
  if (typed || (nodes_ >= max_nodes && !segment.empty())) {
    by_its_shape_ = by_its_shape_ && typed;
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

// Writes down, for every route below, which value stood at `depth`.
void path_tree::capture(node& of, std::size_t depth, std::string_view value) {
  if (of.here) {
    of.here->values[depth].add(value, of.here->requests, room_.values, of.here->unknown < of.here->requests);
  }
  for (const auto& [key, below] : of.literals) capture(*below, depth, value);
  for (const auto& [key, below] : of.folded) capture(*below, depth, value);
}

void path_tree::merge(node& into, std::unique_ptr<node> from) {
  into.hits += from->hits;
  into.answered = into.answered || from->answered;
  if (from->here && into.here) {
    into.here->merge(*from->here, room_);
  } else if (from->here) {
    into.here = std::move(from->here);
  }
  for (const auto side : {&node::literals, &node::folded}) {
    for (auto& [key, below] : (*from).*side) {
      std::unique_ptr<node>& place = (into.*side)[key];
      if (place) {
        merge(*place, std::move(below));
      } else {
        place = std::move(below);
      }
    }
  }
  --nodes_;
}

// Turns the literal child `segment` into a value of the placeholder.
void path_tree::absorb(node& parent, std::size_t depth, const std::string& segment) {
  const auto literal = parent.literals.find(segment);
  std::unique_ptr<node> moved = std::move(literal->second);
  parent.literals.erase(literal);
  capture(*moved, depth, folded_value(segment));
  std::unique_ptr<node>& place = parent.folded[folded_key(segment)];
  if (place) {
    merge(*place, std::move(moved));
  } else {
    place = std::move(moved);
  }
}

// Makes room while reading: the half of the words that is not found, or rarer, becomes values.
void path_tree::prune(node& crowded, std::size_t depth) {
  memo_.forget_all([&](const known_target& forgotten) { tell(forgotten); });
  std::vector<std::tuple<bool, std::uint64_t, std::string>> by_use;
  for (const auto& [segment, below] : crowded.literals) {
    if (!segment.empty()) by_use.emplace_back(below->answered, below->hits, segment);
  }
  std::ranges::sort(by_use);
  by_use.resize(by_use.size() / 2);
  for (const auto& [answered, hits, segment] : by_use) absorb(crowded, depth, segment);
}

// `names`: literal children that were answered, of one extension or none.
void path_tree::fold_siblings(node& at, std::size_t depth, std::vector<std::string> names) {
  const auto hits_of = [&](const std::string& name) { return at.literals.find(name)->second->hits; };
  std::ranges::sort(names, [&](const std::string& a, const std::string& b) {
    return std::pair(hits_of(b), std::string_view(a)) < std::pair(hits_of(a), std::string_view(b));
  });
  const bool rare = names.size() > many_rare && hits_of(names[names.size() / 2]) <= rare_hits;
  const bool needless = pressed_ && depth > 0 && names.size() > many_files && !file_extension(names[0]).empty();
  if (!rare && !needless && names.size() <= many_at_all) return;

  // The usual outline is that of the rarer half: where values are, most of them are rare.
  std::map<std::string, std::size_t> outlines;
  for (std::size_t i = names.size() / 2; i < names.size(); ++i)
    ++outlines[outline(*at.literals.find(names[i])->second)];
  const std::string usual = std::ranges::max_element(outlines, {}, [](const auto& each) { return each.second; })->first;
  const std::uint64_t support = std::max(fewest_to_stay, at.hits / (depth == 0 ? stays_at_root : stays_below_root));
  std::size_t above_gap = 0;
  for (std::size_t i = 1; i < names.size() && hits_of(names[i - 1]) >= support; ++i) {
    if (hits_of(names[i - 1]) >= gap_to_stay * hits_of(names[i])) above_gap = i;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool word = classify(names[i]) == shape::text;
    const bool supported = word && hits_of(names[i]) >= support;
    const bool apart = depth == 0 || i < above_gap || outline(*at.literals.find(names[i])->second) != usual;
    if (!supported || !apart) absorb(at, depth, names[i]);
  }
}

// Top down: siblings first, so that what hangs below them has been merged when its turn comes.
void path_tree::fold(node& at, std::size_t depth) {
  std::map<std::string, std::vector<std::string>> by_extension;
  std::vector<std::string> unknown;
  for (const auto& [segment, below] : at.literals) {
    if (segment.empty()) continue;
    if (below->answered) {
      by_extension[std::string(file_extension(segment))].push_back(segment);
    } else {
      unknown.push_back(segment);
    }
  }
  for (auto& [extension, names] : by_extension) fold_siblings(at, depth, std::move(names));
  // Beside a placeholder a word that was not found is a wrong value of it.
  for (const std::string& segment : unknown) {
    const auto place = at.folded.find(folded_key(segment));
    if (place != at.folded.end() && place->second->answered) absorb(at, depth, segment);
  }
  for (const auto side : {&node::literals, &node::folded}) {
    for (auto& [key, below] : at.*side) fold(*below, depth + 1);
  }
}

void path_tree::take(routes_found& found, model::route route, const route_counts& counts) {
  found.blocks[route.name()].merge(counts.blocks);
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
    if (below->hits >= fewest_to_stay && has_one_value(*below, parts.size(), value) && value && is_harmless(*value)) {
      parts.push_back({.text = std::string(*value) + key.substr(2), .name = {}, .is_placeholder = false});
    } else {
      parts.push_back({.text = key.substr(2), .name = {}, .is_placeholder = true});
    }
    collect(method, *below, parts, found);
    parts.pop_back();
  }
}

routes_found path_tree::finish() {
  memo_.forget_all([&](const known_target& forgotten) { tell(forgotten); });
  routes_found found{.routes = {}, .other = other_, .blocks = {}};
  for (const user_route& each : user_routes_) {
    if (each.counts.requests > 0) {
      take(found, describe(each.pattern.method, each.pattern.parts, each.counts), each.counts);
    }
  }
  std::size_t routes = found.routes.size();
  for (const auto& [method, root] : methods_) {
    fold(*root, 0);
    routes += routes_below(*root);
  }
  pressed_ = routes > max_routes;
  for (const auto& [method, root] : methods_) {
    if (pressed_) fold(*root, 0);
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
    if (each.counts.requests == 0) patterns.push_back(each.pattern.typed);
  }
  return patterns;
}

}  // namespace assay::learn
