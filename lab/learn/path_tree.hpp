// Folds the paths of a log into routes: /items/17 and /items/23 are /items/{id}.
//
// One pass, bounded memory. A tree a method; each node is a segment. Integers, UUIDs, hexadecimal numbers and dates go
// to the node's placeholder at once; words stay literals until their siblings say that they are values (siblings.hpp),
// and beside a placeholder letters with digits are one more value. Files fold by their extension. What never got
// another answer than "unknown" is no route of the service, and is counted as such. A placeholder that had one value
// all along is a literal after all (/v2/2015/banner), unless it may name somebody.
//
// Misuse: adding to a tree that has been finished.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/route_counts.hpp"
#include "lab/learn/route_pattern.hpp"
#include "lab/learn/siblings.hpp"
#include "lab/learn/target_memo.hpp"

namespace assay::learn {

inline constexpr std::size_t max_routes = 100;  // templates that are told apart in the end
inline constexpr std::string_view too_many_routes = "beyond the 100 most frequent routes";
inline constexpr std::size_t max_named_routes = 2000;       // that the user names beforehand
inline constexpr std::size_t max_children = 512;            // literals a node, before the rare ones are folded
inline constexpr std::size_t max_nodes = 8192;              // beyond, new words go to placeholders
inline constexpr std::size_t max_values_seen = 16 * 1024;   // words of which is known that they are values
inline constexpr std::size_t max_nodes_at_all = 16 * 1024;  // beyond, requests for new paths are only counted
inline constexpr std::size_t max_methods = 16;
inline constexpr std::uint32_t no_place = 1;  // of requests that no route counts; those of routes are greater

struct routes_found {
  std::vector<model::route> routes;                 // by requests, descending
  std::map<std::string, std::uint64_t> other;       // requests of no route, by reason
  std::map<std::string, block_counts> blocks = {};  // of each route, by its name
  std::map<std::string, std::vector<std::uint32_t>> places = {};
};

// What came of the routes that the service's own description names.
struct described_use {
  std::string file;
  std::size_t routes = 0;
  std::size_t asked_for = 0;
  std::uint64_t requests = 0;   // of all of them
  std::set<std::string> names;  // of those that were asked for, as in the profile
};

class path_tree {
 public:
  explicit path_tree(std::vector<route_pattern> patterns);
  ~path_tree();
  path_tree(const path_tree&) = delete;
  path_tree& operator=(const path_tree&) = delete;

  // A target as it was logged; false when there is no path in it, or too deep a one.
  bool add(std::string_view method, std::string_view logged, const answer& given);

  // Where the last request was counted, if it was followed: a number that routes_found has.
  std::uint32_t last_place() const { return last_place_; }

  routes_found finish();
  // Patterns that were typed, and that no request matched.
  std::vector<std::string> unmatched() const;
  std::optional<described_use> described() const;

  struct node;
  using names_by_ending = std::map<std::string, std::vector<std::string>>;  // of words; "css"

 private:
  using children = std::map<std::string, std::unique_ptr<node>, std::less<>>;

  // What was told of the words behind others ("shops", "shops/{}"), in whatever method's tree.
  struct seen_before {
    std::set<std::string> values;
    std::set<std::string> words;  // that stand beside the values, and are none
    bool has_no_endings = false;
  };

  // What a path is walked for: how often, and how often it got another answer than "unknown".
  struct walk {
    std::string_view method;
    const split_target* target = nullptr;
    std::uint64_t times = 1;
    std::uint64_t found = 0;
  };
  // Where the requests of the path are counted; null when there is no room, and they have been counted as that.
  route_counts* place(const walk& of);
  route_counts* place_named(const walk& of);
  void add_value(value_counts& to, std::string_view value, std::uint64_t times, std::uint64_t found);
  void note(route_counts* counts, const answer& given);
  void tell(known_target& forgotten);
  node* step(node& from, std::size_t depth, std::string_view segment, std::vector<std::size_t>& captured);
  node* child(children& of, std::string_view key);
  void absorb(node& parent, std::size_t depth, const std::string& segment, bool whole, fold_reason why);
  void capture(node& of, std::size_t depth, std::string_view value);
  void merge(node& into, std::unique_ptr<node> from);
  void prune(node& crowded, std::size_t depth);
  bool fold_siblings(node& at, std::size_t depth, const std::string& before, const std::vector<std::string>& names);
  void fold_like_seen(node& at, std::size_t depth, const std::string& before, const std::vector<std::string>& names);
  void fold_beside_values(node& at, std::size_t depth, const std::string& before, const names_by_ending& by_ending);
  void fold(node& at, std::size_t depth, const std::string& before);
  void fold_all();
  void compact(node& at, std::size_t depth, const std::string& before);
  void make_room();
  static void take(routes_found& found, model::route route, const route_counts& counts);
  void collect(const std::string& method, const node& at, std::vector<template_part>& parts, routes_found& found) const;

  struct user_route {
    route_pattern pattern;
    route_counts counts;
  };
  std::vector<user_route> user_routes_;
  std::map<std::string, std::unique_ptr<node>, std::less<>> methods_;
  std::map<std::string, std::uint64_t> other_;
  std::size_t nodes_ = 0;
  std::size_t compact_at_ = max_nodes / 2;  // so many
  std::size_t absorbed_ = 0;                // words that became values
  std::map<std::string, seen_before> seen_;
  std::size_t seen_values_ = 0;
  room room_;
  target_memo memo_;
  split_target target_;       // of the request that is added
  split_target told_;         // of one that is forgotten
  bool by_its_shape_ = true;  // the last path went where it would go again, not where there was room
  std::uint32_t last_place_ = no_place;
  std::uint32_t places_ = no_place;  // the greatest that was given
  bool pressed_ = false;             // too many routes: a few files of one kind fold too
};

}  // namespace assay::learn
