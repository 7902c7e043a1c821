#include "lab/learn/siblings.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "lab/learn/line/shape.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t many_rare = 20;    // siblings, when half of them came twice at most
constexpr std::size_t many_alike = 20;   // when they lead to the same words
constexpr std::size_t common_words = 2;  // that make them alike; one ("search") may follow any resource
constexpr std::size_t many_made_up = 8;  // of letters with digits
constexpr std::size_t many_files = 3;    // of one extension, when there are too many routes
constexpr double part_unusual = 0.125;   // of a word's requests
constexpr double times_unusual = 8;      // as great a part as of the others' requests
constexpr double many_expected = 8;      // requests, that none of them came is no chance: e^-8
constexpr std::uint64_t rare_hits = 2;
constexpr std::uint64_t fewest_to_stay = 20;
constexpr std::uint64_t stays_at_root = 1000;  // one in so many requests of the parent; sections of a site
constexpr std::uint64_t stays_below_root = 100;
constexpr std::uint64_t gap_to_stay = 4;  // popularity alone does not make a rank four times its next

// A file may be called page2.html; an escape is something else.
bool is_made_up(const sibling& each) {
  return is_value_like(each.name) && (file_extension(each.name).empty() || each.name.contains('%'));
}

bool are_alike(std::span<const sibling> all) {
  if (all.size() <= many_alike) return false;
  std::map<std::string_view, std::size_t> followed;  // how many siblings, by the word
  for (const sibling& each : all) {
    for (const std::string_view word : each.words) ++followed[word];
  }
  const auto is_common = [&](const auto& word) { return 2 * word.second >= all.size(); };
  return static_cast<std::size_t>(std::ranges::count_if(followed, is_common)) >= common_words;
}

// Which part of the requests of all siblings leads to a place of each kind.
class usual_traits {
 public:
  explicit usual_traits(std::span<const sibling> all) {
    for (const sibling& each : all) {
      hits_ += each.hits;
      for (const place_trait& trait : each.traits) of_kind_[trait.kind] += trait.hits;
    }
  }

  // A much greater part than of the others leads there, or none where many would have to.
  bool sets_apart(const sibling& one) const {
    const auto own_hits = static_cast<double>(one.hits);
    const double other_hits = static_cast<double>(hits_) - own_hits;
    return std::ranges::any_of(of_kind_, [&](const auto& each) {
      const auto own = std::ranges::find(one.traits, each.first, &place_trait::kind);
      const double here = own == one.traits.end() ? 0 : static_cast<double>(own->hits);
      const double of_others = other_hits > 0 ? (static_cast<double>(each.second) - here) / other_hits : 0;
      if (here == 0) return of_others * own_hits >= many_expected;
      return here >= part_unusual * own_hits && here > times_unusual * of_others * own_hits;
    });
  }

 private:
  std::uint64_t hits_ = 0;
  std::map<std::string_view, std::uint64_t> of_kind_;
};

// How many of the first are asked for much more than their next.
std::size_t above_gap(std::span<const sibling> by_hits, std::uint64_t support) {
  std::size_t above = 0;
  for (std::size_t i = 1; i < by_hits.size() && by_hits[i - 1].hits >= support; ++i) {
    if (by_hits[i - 1].hits >= gap_to_stay * by_hits[i].hits) above = i;
  }
  return above;
}

}  // namespace

std::string_view label(fold_reason reason) {
  switch (reason) {
    case fold_reason::rare:
      return "half of more than 20 words in their place came twice at most";
    case fold_reason::many:
      return "more than 64 words stood in their place";
    case fold_reason::alike:
      return "the same words follow more than 20 in their place";
    case fold_reason::of_one_make:
      return "more than eight letters with digits stood in their place";
    case fold_reason::files:
      return "files of one extension, folded since there are too many routes";
    case fold_reason::elsewhere:
      return "behind the same words elsewhere they are values";
    case fold_reason::beside:
      return "they look like the values beside them, and lead where those lead";
    case fold_reason::not_found:
      return "never found, beside values that were";
    case fold_reason::no_room:
      return "too many words in one place to keep them all";
  }
  return "unknown";
}

values_found values_among(std::vector<sibling> all, const sibling_place& at) {
  values_found values;
  if (all.empty()) return values;
  std::ranges::sort(all, [](const sibling& a, const sibling& b) {
    return std::pair(b.hits, std::string_view(a.name)) < std::pair(a.hits, std::string_view(b.name));
  });
  const auto made_up = static_cast<std::size_t>(std::ranges::count_if(all, is_made_up));
  const bool rare = all.size() > many_rare && all[all.size() / 2].hits <= rare_hits;
  const bool many = all.size() > many_siblings;
  const bool of_one_make = !at.is_root && made_up > many_made_up;
  const bool needless = at.pressed && !at.is_root && all.size() > many_files && !file_extension(all[0].name).empty();
  const bool alike = !rare && !many && !of_one_make && !needless && are_alike(all);
  if (!rare && !many && !of_one_make && !needless && !alike) return values;
  values.why = rare          ? fold_reason::rare
               : many        ? fold_reason::many
               : of_one_make ? fold_reason::of_one_make
               : needless    ? fold_reason::files
                             : fold_reason::alike;

  const usual_traits usual(all);
  const std::uint64_t support = std::max(fewest_to_stay, at.hits / (at.is_root ? stays_at_root : stays_below_root));
  const std::size_t above = above_gap(all, support);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool supported = all[i].hits >= support && classify(all[i].name) == shape::text;
    const bool apart = at.is_root || i < above || usual.sets_apart(all[i]);
    if (!supported || !apart) values.names.push_back(all[i].name);
  }
  return values;
}

}  // namespace assay::learn
