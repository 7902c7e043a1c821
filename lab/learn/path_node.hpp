// A place in the tree of paths, and what can be told of it.
//
// Misuse: by anything but path_tree, of which this is the inside.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lab/learn/path_tree.hpp"
#include "lab/learn/siblings.hpp"

namespace assay::learn {

struct path_tree::node {
  std::uint64_t hits = 0;
  bool answered = false;        // something below got another answer than "unknown"
  bool has_no_endings = false;  // what looks like an extension is a part of a name
  bool is_open = false;         // its words turned out to be values: so are those that are still to come
  // Of a placeholder: how many words became its values, by reason. What is a value by its form is not among them.
  std::array<std::uint32_t, fold_reasons> folded_for{};
  children literals;
  children folded;
  std::unique_ptr<route_counts> here;
};

// Of a file; jane@example.com is none.
std::string_view ending_of(std::string_view segment);

// Of a folded child: "{}" or "{}.css". A literal cannot be one, its braces are escaped.
std::string folded_key(std::string_view segment);
std::string_view folded_value(std::string_view segment);

// Why its values are some, for people: "12 words: …", or "by their form".
std::string why_folded(const path_tree::node& placeholder);

// The value that every route below had at `depth`, when there is just one; `value` keeps it.
bool has_one_value(const path_tree::node& of, std::size_t depth, std::optional<std::string_view>& value);

}  // namespace assay::learn
