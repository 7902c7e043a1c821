// An example of what a JSON schema describes, as JSON: the schema's own example, default, constant or first of an
// enumeration; where it has none, the smallest value of its type, format and bounds that is not empty. Of an object
// what is required, and what has an example of its own; what only the service writes is left out.
//
// References are followed within the document alone. A schema that contains itself ends at a named depth.
//
// Misuse: sending it as if users did. `made_up` says which values nobody gave.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lab/plan/yaml_tree.hpp"

namespace assay::plan {

inline constexpr int most_schema_depth = 16;  // of objects, lists and references in one another
inline constexpr std::size_t most_example_bytes = std::size_t{16} << 10;
inline constexpr std::size_t most_example_items = 8;   // of a list
inline constexpr std::size_t most_example_text = 256;  // characters of a text

struct schema_example {
  std::string json;                  // empty: none could be made
  std::string why_not;               // then; one line
  std::vector<std::string> made_up;  // by JSON pointer: "/lines/0/quantity"; "" is the whole
};

// `root` is the document, in which references lead.
schema_example example_of(const yaml_node& root, const yaml_node& schema);
// A value that is written in the document, with the types that the schema gives it; `schema` may be null.
schema_example example_as_written(const yaml_node& root, const yaml_node& value, const yaml_node* schema);

// What a reference within the document leads to; null when there is nothing, or it leads elsewhere.
const yaml_node* node_at(const yaml_node& root, const std::string& reference);

}  // namespace assay::plan
