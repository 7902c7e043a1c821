// A YAML document as a tree of nodes that know their line and column; the only door to yaml-cpp.
//
// Untrusted text: size, depth and the number of nodes are bounded, and duplicate keys, anchors, aliases, tags and
// further documents are refused, so that a small file cannot unfold into a large one.
//
// Misuse: asking a node for a type. Every scalar is text here; what it means is said by the table of keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace assay::plan {

inline constexpr std::size_t most_document_bytes = std::size_t{1} << 20;
inline constexpr std::size_t most_nesting = 16;
inline constexpr std::size_t most_nodes = 100'000;
inline constexpr std::size_t most_keys = 1000;

// Of a document that is of another make than ours; see openapi.
struct yaml_limits {
  std::size_t bytes = most_document_bytes;
  std::size_t nesting = most_nesting;
  std::size_t nodes = most_nodes;
  std::size_t keys = most_keys;  // of one mapping
};

struct place {
  int line = 1;  // both from 1
  int column = 1;
};

struct yaml_entry;

struct yaml_node {
  enum class form : std::uint8_t { nothing, scalar, list, map };

  form is = form::nothing;
  std::string text;     // of a scalar
  bool quoted = false;  // a scalar that is text, whatever it looks like
  place at;
  std::vector<yaml_node> items;     // of a list
  std::vector<yaml_entry> entries;  // of a map, in the order of the file

  const yaml_node* find(std::string_view key) const;  // null when this is no map, or has no such key
};

struct yaml_entry {
  std::string key;
  place at;
  yaml_node value;
};

// Errors begin with "FILE:LINE:COLUMN: ".
std::expected<yaml_node, std::string> parse_yaml(const std::string& file, const std::string& text,
                                                 const yaml_limits& limits = {});

std::string error_at(const std::string& file, place at, std::string_view why);

// Quoted for a message: cut when long, control characters shown as '?'.
std::string in_quotes(std::string_view text);

}  // namespace assay::plan
