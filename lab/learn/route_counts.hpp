// What is counted of one route while the log is read: mergeable, because routes are folded together later.
//
// Misuse: keeping one for each distinct path; path_tree bounds how many there are.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/amount_laws.hpp"
#include "lab/learn/blocks.hpp"
#include "lab/learn/line/target.hpp"
#include "lab/learn/popularity.hpp"

namespace assay::learn {

inline constexpr std::size_t max_query_keys_a_route = 64;

// What came of one request.
struct answer {
  int status = 0;
  std::uint64_t bytes = 0;
  block_place at = {};
  bool is_followed = false;  // its client is one whose way through the routes is looked at
  std::optional<std::uint64_t> took_us = {};
};

// No such resource, no such method, not understood: what a scanner gets, and a route of the service does not always.
bool is_unknown_answer(int status);

inline constexpr std::size_t max_size_buckets = 1'500'000;  // of all routes together; up to 22 bytes each
inline constexpr std::size_t max_time_buckets = 500'000;    // likewise

// How much more all routes together may keep.
struct room {
  std::size_t values = max_values_of_all;
  std::size_t size_buckets = max_size_buckets;
  std::size_t time_buckets = max_time_buckets;
};

// Sizes of responses, counted in buckets of which only those exist that were met: a path that always answers alike
// costs a few. Buckets are within 1 %, and twice as wide each time that one more finds no room. They lie in a table by
// their hash, since every request asks for one.
class size_counts {
 public:
  // `left`: how many more buckets there may be.
  void record(std::uint64_t bytes, std::size_t& left, std::uint64_t times = 1) { add(bytes, times, left); }
  // Afterwards as if all had been recorded here; the other's room is given back.
  void merge(const size_counts& other, std::size_t& left);
  double quantile(double q) const;
  // Ascending.
  std::vector<counted_amounts> amounts() const;

 private:
  friend class size_table;
  struct met {
    std::size_t bucket = 0;
    std::uint64_t times = 0;
  };
  void add(std::uint64_t bytes, std::uint64_t times, std::size_t& left);
  void widen(std::size_t& left);
  // Where a bucket is, or where it has to be put.
  std::size_t slot_of(std::size_t bucket) const;
  void rebuild(const std::vector<met>& from, std::size_t slots);
  std::vector<met> ascending() const;

  // How often, and in the lowest bits which bucket, from 1 on; 0 is none. Open addressing, a power of two.
  std::vector<std::uint64_t> slots_;
  std::size_t used_ = 0;
  std::uint64_t most_ = 0;  // bytes
  unsigned width_ = 0;      // buckets are 2^width_ times as wide as at first
};

// The same with a place for each bucket there may be, 60 kB: for all requests together, which have many sizes.
class size_table {
 public:
  size_table();
  void record(std::uint64_t bytes);
  size_counts counted() const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t most_ = 0;  // bytes
};

// Of microseconds; empty when there are none.
std::optional<model::durations> durations_of(const size_counts& times);

struct status_count {
  int status = 0;
  std::uint64_t requests = 0;
};

// What changes with each request comes first: few lines of the CPU's cache.
struct route_counts {
  std::uint64_t requests = 0;
  std::uint64_t unknown = 0;           // of these, those with an unknown answer
  std::vector<status_count> statuses;  // in the order in which they were met; they are few
  size_counts sizes;
  block_counts blocks;
  std::map<std::string, std::uint64_t, std::less<>> query_keys;
  std::map<std::size_t, value_counts> values;  // by depth of the segment
  size_counts took;                            // microseconds that requests took, where they are logged
  std::uint32_t place = 0;                     // its number, should clients have been followed to it
  std::vector<std::uint32_t> merged_places;    // of those that were merged into it

  // So many answers like it, all of one block.
  void count(const answer& given, std::uint32_t times, room& left);
  void count_status(int status, std::uint64_t times);
  void count_keys(const split_target& target, std::uint64_t times);
  void merge(const route_counts& other, room& left);
};

// A part of a template: a literal, or a placeholder with what follows it in the segment (".css").
struct template_part {
  std::string text;  // the literal, or what follows
  std::string name;  // of the placeholder; may be empty until named
  bool is_placeholder = false;
  std::string why = {};  // of a placeholder: why its values are some
};

// Names what has none: "id" behind a plural noun, then "order_id" should "id" be taken, otherwise p1, p2, …
void name_placeholders(std::vector<template_part>& parts);

model::route describe(std::string_view method, const std::vector<template_part>& parts, const route_counts& counts);

}  // namespace assay::learn
