// What is counted of one route while the log is read: mergeable, because routes are folded together later.
//
// Misuse: keeping one for each distinct path; path_tree bounds how many there are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/popularity.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::learn {

inline constexpr std::size_t max_query_keys_a_route = 64;

// One request, its path taken apart.
struct request_seen {
  std::string_view method;
  const split_target* target = nullptr;
  int status = 0;
  std::uint64_t bytes = 0;
};

// No such resource, no such method, not understood: what a scanner gets, and a route of the service does not always.
bool is_unknown_answer(int status);

// Sizes of responses: a list while there are few, so that a rare route costs little, then a histogram within 1 %.
class size_counts {
 public:
  void record(std::uint64_t bytes);
  void merge(const size_counts& other);
  double quantile(double q) const;

 private:
  void to_histogram();

  std::vector<std::uint64_t> few_;
  std::optional<observe::histogram> many_;
};

struct route_counts {
  std::uint64_t requests = 0;
  std::uint64_t unknown = 0;  // of these, those with an unknown answer
  std::map<int, std::uint64_t> statuses;
  std::map<std::string, std::uint64_t> query_keys;
  size_counts sizes;
  std::map<std::size_t, value_counts> values;  // by depth of the segment

  void count(const request_seen& request);
  void merge(const route_counts& other, std::size_t& budget);
};

// A part of a template: a literal, or a placeholder with what follows it in the segment (".css").
struct template_part {
  std::string text;  // the literal, or what follows
  std::string name;  // of the placeholder; may be empty until named
  bool is_placeholder = false;
};

// Names what has none: "id" behind a plural noun, then "order_id" should "id" be taken, otherwise p1, p2, …
void name_placeholders(std::vector<template_part>& parts);

model::route describe(std::string_view method, const std::vector<template_part>& parts, const route_counts& counts);

}  // namespace assay::learn
