// The half of path_tree that folds: what was read as words becomes values of placeholders.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "lab/learn/path_node.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t endings_of_values = 8;  // that a name or two has: jane.doe is no file
constexpr std::size_t names_of_such = 2;
constexpr std::uint64_t part_that_counts = 8;   // one in so many requests of a place
constexpr std::uint64_t fewest_to_tell = 8;     // requests
constexpr double times_as_many = 8;             // as are expected
constexpr std::size_t fewest_known = 3;         // values of another place that are words of this one
constexpr std::uint64_t fewest_of_a_word = 20;  // requests, for a word among values of another place
constexpr int most_passes = 4;                  // each may learn what the next one knows

std::vector<place_trait> traits_of(const path_tree::node& of) {
  std::vector<place_trait> traits;
  if (of.here) traits.push_back({.kind = ".", .hits = of.here->requests});
  for (const auto& [key, below] : of.folded) traits.push_back({.kind = key, .hits = below->hits});
  std::uint64_t words = 0;
  for (const auto& [key, below] : of.literals) words += below->hits;
  if (words > 0) traits.push_back({.kind = "/", .hits = words});
  return traits;
}

// Whether such a part of the requests is likely where the others have theirs. A few tell nothing, but where there was
// never any.
bool is_likely(std::uint64_t part, std::uint64_t hits, std::uint64_t their_part, std::uint64_t their_hits) {
  if (their_part == 0) return part_that_counts * part < hits;
  const double expected = static_cast<double>(hits) * static_cast<double>(their_part) / static_cast<double>(their_hits);
  return part < fewest_to_tell || static_cast<double>(part) <= times_as_many * expected;
}

// Whether the requests of `one` end here, or go on, as those of the values do. Where they go on to words and values
// alike, the words may be values that are not known yet.
bool leads_like(const path_tree::node& one, const path_tree::node& values) {
  const std::uint64_t ends = one.here ? one.here->requests : 0;
  const std::uint64_t their_ends = values.here ? values.here->requests : 0;
  return is_likely(ends, one.hits, their_ends, values.hits) &&
         is_likely(one.hits - ends, one.hits, values.hits - their_ends, values.hits);
}

sibling sibling_of(const std::string& name, const path_tree::node& of) {
  sibling made{.name = name, .hits = of.hits, .traits = traits_of(of), .words = {}};
  for (const auto& [word, below] : of.literals) {
    if (!word.empty()) made.words.emplace_back(word);
  }
  return made;
}

// Endings that differ from name to name are no endings.
bool are_no_endings(const path_tree::names_by_ending& by_ending) {
  const auto is_few = [](const auto& each) { return !each.first.empty() && each.second.size() <= names_of_such; };
  return std::ranges::count_if(by_ending, is_few) >= std::ptrdiff_t{endings_of_values};
}

// Of the answered words of a place, and into `unknown` the others.
path_tree::names_by_ending words_of(const path_tree::node& at, std::vector<std::string>& unknown) {
  path_tree::names_by_ending words;
  for (const auto& [segment, below] : at.literals) {
    if (segment.empty()) continue;
    if (below->answered) {
      words[std::string(ending_of(segment))].push_back(segment);
    } else {
      unknown.push_back(segment);
    }
  }
  return words;
}

// What stands before a place: the last word, and the placeholders behind it. Empty before the first word.
std::string below_value(const std::string& before) { return before.empty() ? before : before + "/{}"; }

}  // namespace

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

std::string why_folded(const path_tree::node& placeholder) {
  std::string why;
  for (std::size_t i = 0; i < fold_reasons; ++i) {
    const std::uint32_t words = placeholder.folded_for[i];
    if (words == 0) continue;
    why += fmt::format("{}{} {}: {}", why.empty() ? "" : "; ", words, words == 1 ? "word" : "words",
                       label(static_cast<fold_reason>(i)));
  }
  return why.empty() ? "by their form" : why;
}

std::string_view ending_of(std::string_view segment) {
  const std::string_view extension = file_extension(segment);
  return extension.empty() || classify(segment) == shape::email ? std::string_view() : extension;
}

std::string folded_key(std::string_view segment) {
  const std::string_view extension = ending_of(segment);
  return extension.empty() ? "{}" : "{}." + std::string(extension);
}

std::string_view folded_value(std::string_view segment) {
  const std::string_view extension = ending_of(segment);
  return extension.empty() ? segment : segment.substr(0, segment.size() - extension.size() - 1);
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
  into.is_open = into.is_open || from->is_open;
  into.has_no_endings = into.has_no_endings || from->has_no_endings;
  for (std::size_t i = 0; i < fold_reasons; ++i) into.folded_for[i] += from->folded_for[i];
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

// Turns the literal child `segment` into a value of the placeholder; with its ending, if it is `whole`.
void path_tree::absorb(node& parent, std::size_t depth, const std::string& segment, bool whole, fold_reason why) {
  ++absorbed_;
  const auto literal = parent.literals.find(segment);
  std::unique_ptr<node> moved = std::move(literal->second);
  parent.literals.erase(literal);
  capture(*moved, depth, whole ? segment : folded_value(segment));
  std::unique_ptr<node>& place = parent.folded[whole ? "{}" : folded_key(segment)];
  if (place) {
    merge(*place, std::move(moved));
  } else {
    place = std::move(moved);
  }
  ++place->folded_for[static_cast<std::size_t>(why)];
}

// Makes room while reading: the half of the words that is not found, or rarer, becomes values.
void path_tree::prune(node& crowded, std::size_t depth) {
  memo_.forget_all([&](known_target& forgotten) { tell(forgotten); });
  std::vector<std::tuple<bool, std::uint64_t, std::string>> by_use;
  for (const auto& [segment, below] : crowded.literals) {
    if (!segment.empty()) by_use.emplace_back(below->answered, below->hits, segment);
  }
  std::ranges::sort(by_use);
  by_use.resize(by_use.size() / 2);
  std::vector<std::string> unknown;
  const names_by_ending words = words_of(crowded, unknown);
  const bool no_endings = are_no_endings(words);
  for (const auto& [answered, hits, segment] : by_use) {
    const auto ending = words.find(std::string(ending_of(segment)));
    const bool whole = no_endings && (ending == words.end() || ending->second.size() <= names_of_such);
    absorb(crowded, depth, segment, whole, fold_reason::no_room);
  }
}

// `names`: words that were answered, of one extension or none. Whether some of them were values.
bool path_tree::fold_siblings(node& at, std::size_t depth, const std::string& before,
                              const std::vector<std::string>& names) {
  std::vector<sibling> all;
  for (const std::string& name : names) {
    if (const auto word = at.literals.find(name); word != at.literals.end()) {
      all.push_back(sibling_of(name, *word->second));
    }
  }
  const auto [values, why] =
      values_among(std::move(all), {.hits = at.hits, .is_root = depth == 0, .pressed = pressed_});
  for (const std::string& value : values) absorb(at, depth, value, false, why);
  if (values.empty() || before.empty() || !ending_of(values.front()).empty()) return !values.empty();
  seen_before& seen = seen_[before];
  for (const std::string& value : values) {
    if (seen_values_ == max_values_seen) break;
    if (seen.values.insert(value).second) ++seen_values_;
  }
  for (const std::string& name : names) {
    if (at.literals.contains(name)) seen.words.insert(name);
  }
  return true;
}

// Behind the same words stand the same values: what is a value in GET /shops/{}/cart is one in POST /shops/{}/order and
// in /v2/shops/{}, though there may be too few there to tell.
void path_tree::fold_like_seen(node& at, std::size_t depth, const std::string& before,
                               const std::vector<std::string>& names) {
  const auto seen = seen_.find(before);
  if (before.empty() || seen == seen_.end()) return;
  const auto is_value = [&](const std::string& name) { return seen->second.values.contains(name); };
  const auto known = static_cast<std::size_t>(std::ranges::count_if(names, is_value));
  if (known < fewest_known && !at.is_open) return;
  const bool most = 2 * known >= names.size();
  for (const std::string& name : names) {
    const auto word = at.literals.find(name);
    if (word == at.literals.end() || seen->second.words.contains(name)) continue;
    const bool rare = most && word->second->hits < fewest_of_a_word;
    if (is_value(name) || rare) absorb(at, depth, name, false, fold_reason::elsewhere);
  }
}

// Beside a placeholder of several values: what looks like a value and leads where they lead is one more.
void path_tree::fold_beside_values(node& at, std::size_t depth, const std::string& before,
                                   const names_by_ending& by_ending) {
  const auto place = at.folded.find("{}");
  std::optional<std::string_view> one;
  if (depth == 0 || place == at.folded.end() || has_one_value(*place->second, depth, one)) return;
  at.has_no_endings = at.has_no_endings || are_no_endings(by_ending);
  if (!before.empty()) {
    seen_before& seen = seen_[before];
    seen.has_no_endings = at.has_no_endings = at.has_no_endings || seen.has_no_endings;
  }
  for (const auto& [ending, names] : by_ending) {
    const bool is_no_ending = at.has_no_endings && names.size() <= names_of_such;
    for (const std::string& name : names) {
      const auto word = at.literals.find(name);
      if (word == at.literals.end() || !(ending.empty() ? is_value_like(name) : is_no_ending)) continue;
      if (leads_like(*word->second, *place->second)) absorb(at, depth, name, true, fold_reason::beside);
    }
  }
}

// Top down: siblings first, so that what hangs below them has been merged when its turn comes.
void path_tree::fold(node& at, std::size_t depth, const std::string& before) {
  std::vector<std::string> unknown;
  const names_by_ending by_ending = words_of(at, unknown);
  for (const auto& [ending, names] : by_ending) {
    fold_siblings(at, depth, before, names);
    if (ending.empty()) fold_like_seen(at, depth, before, names);
  }
  fold_beside_values(at, depth, before, by_ending);
  // Beside a placeholder a word that was not found is a wrong value of it.
  for (const std::string& segment : unknown) {
    const auto place = at.folded.find(folded_key(segment));
    if (place != at.folded.end() && place->second->answered) {
      absorb(at, depth, segment, false, fold_reason::not_found);
    }
  }
  // What was pruned and came again is a word, and the one value of a placeholder: one route, not two of a name.
  for (auto& [key, below] : at.folded) {
    std::optional<std::string_view> one;
    if (!has_one_value(*below, depth, one) || !one) continue;
    const std::string word = std::string(*one) + key.substr(2);
    if (at.literals.contains(word)) absorb(at, depth, word, key == "{}", fold_reason::no_room);
  }
  for (auto& [key, below] : at.literals) fold(*below, depth + 1, key);
  for (auto& [key, below] : at.folded) fold(*below, depth + 1, below_value(before));
}

void path_tree::fold_all() {
  for (int pass = 0; pass < most_passes; ++pass) {
    const std::size_t before = absorbed_;
    for (const auto& [method, root] : methods_) fold(*root, 0, {});
    if (absorbed_ == before) return;
  }
}

// Where there are more words than a table of routes has, which of them are values is told before the end.
void path_tree::compact(node& at, std::size_t depth, const std::string& before) {
  std::vector<std::string> unknown;
  const names_by_ending by_ending = words_of(at, unknown);
  for (const auto& [ending, names] : by_ending) {
    if (names.size() <= many_siblings) continue;
    if (fold_siblings(at, depth, before, names) && ending.empty()) at.is_open = true;
  }
  if (at.is_open) fold_beside_values(at, depth, before, by_ending);
  for (auto& [key, below] : at.literals) compact(*below, depth + 1, key);
  for (auto& [key, below] : at.folded) compact(*below, depth + 1, below_value(before));
}

void path_tree::make_room() {
  memo_.forget_all([&](known_target& forgotten) { tell(forgotten); });
  for (const auto& [method, root] : methods_) compact(*root, 0, {});
  // What frees less than this is not worth another walk: each costs as much as the tree is large.
  constexpr std::size_t fewest_freed = max_nodes / 16;
  compact_at_ = nodes_ + fewest_freed <= max_nodes ? std::min(max_nodes, nodes_ + max_nodes / 4) : max_nodes_at_all + 1;
}

}  // namespace assay::learn
