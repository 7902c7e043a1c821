// Folds paths into route templates: /items/17 and /items/42 are both GET /items/{id}.
//
// Segments that look like identifiers (whole numbers, UUIDs, long hex, dates) become placeholders at once. What is left
// is merged at the end: where one place of a template has many children that are seldom asked for, they are values too
// (slugs). Literals with support stay what they are: /items/me beside /items/{id}. User patterns come first. Never
// across methods.
//
// Misuse: folding two hosts' logs into one folder.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t max_templates = 20'000;  // while reading; what exceeds it is counted as "other"
inline constexpr std::size_t max_values = 100'000;    // distinct, of one placeholder
inline constexpr std::size_t many_children = 20;      // of a place that holds values
inline constexpr double seldom_asked = 3;             // requests a child, at the median

// The shape of a segment, or empty when it is a literal.
std::string_view shape_of(std::string_view segment);

struct folded_value {
  std::string name;
  std::string shape;
  std::map<std::string, std::uint64_t> counts;  // by value; those beyond max_values are not told apart
  std::uint64_t beyond = 0;
};

// One route as it is being counted. Statistics of its own are the caller's, by `index`.
struct folded_route {
  std::string method;
  std::vector<std::string> segments;  // literals, or "{}" for a value
  std::vector<folded_value> values;   // in order
  std::vector<std::size_t> members;   // indices that were given out for it
  std::uint64_t requests = 0;
  std::string path() const;
};

class route_folder {
 public:
  // "GET /items/{id}/price": tried before anything is guessed. The error names the pattern and what is wrong.
  std::expected<void, std::string> add_pattern(std::string_view pattern);

  // Counts one request; gives the index of its place. `path` is without query. The same index for the same place.
  std::size_t add(std::string_view method, std::string_view path);
  static constexpr std::size_t other = SIZE_MAX;  // beyond max_templates

  // Merges, names placeholders, and orders by requests. The folder is empty afterwards.
  std::vector<folded_route> finish();

 private:
  struct pattern {
    std::string method;
    std::vector<std::string> segments;
    std::vector<std::string> names;
  };
  const pattern* match(std::string_view method, const std::vector<std::string_view>& segments) const;
  void merge_children(std::vector<folded_route>& routes) const;

  std::vector<pattern> patterns_;
  std::map<std::string, std::size_t, std::less<>> index_;  // by method and template
  std::vector<folded_route> routes_;
};

}  // namespace assay::learn
