// Which of the words that follow one place of a path are values of a placeholder, and which are names of resources.
//
// A word alone does not say. Its siblings do:
//
//   rare         more than 20, half of which came twice at most: nobody writes routes that are not asked for
//   many         more than 64: no table of routes has as many in one place
//   alike        more than 20, and the same two words follow half of them or more: orders and users of a tenant
//   of one make  more than eight of letters with digits, or with escapes: words between them are values, too
//
// Where one of these holds, what is asked for much more than its next, or leads elsewhere than the others do, stays a
// word (/users/me), and all else is a value. Elsewhere is told by the parts of the requests: a popular value has been
// seen from more sides than a rare one, and is not apart for that.
//
// Misuse: a place with few values that look like words. They are taken for resources, since resources that are merged
// are lost, and values that are not are merely several routes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t many_siblings = 64;  // that no table of routes has

// What kind of a place a word leads to, and how many requests went there: "." ends here, "/" goes on with words, "{}"
// with values, "{}.css" with files.
struct place_trait {
  std::string_view kind;
  std::uint64_t hits = 0;
};

struct sibling {
  std::string name;
  std::uint64_t hits = 0;
  std::vector<place_trait> traits = {};
  std::vector<std::string_view> words = {};  // that follow it
};

struct sibling_place {
  std::uint64_t hits = 0;  // of all that passed through it
  bool is_root = false;
  bool pressed = false;  // there are too many routes: a few files of one kind are values too
};

// Why a word is a value.
enum class fold_reason : std::uint8_t {
  rare,         // of many siblings half came twice at most
  many,         // more siblings than a table of routes has
  alike,        // the same words follow many of them
  of_one_make,  // letters with digits, many of them
  files,        // of one extension, when there are too many routes
  elsewhere,    // a value behind the same words in another route
  beside,       // looks like the values beside it, and leads where they lead
  not_found,    // never found, beside values
  no_room,      // rarer than its siblings when there was no room for more words
};
inline constexpr std::size_t fold_reasons = 9;
// For people; continues "3 words: ".
std::string_view label(fold_reason reason);

struct values_found {
  std::vector<std::string> names;
  fold_reason why = fold_reason::rare;
};

// `all` have been answered, and are of one extension or none.
values_found values_among(std::vector<sibling> all, const sibling_place& at);

}  // namespace assay::learn
