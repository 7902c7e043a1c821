// The targets that come again and again, each with where it is counted: most requests of most logs are for few of them,
// and their paths need not be taken apart each time.
//
// What the tree wants to know of a path (how often it was walked, and which values it had) is added up here, and told
// when the target is forgotten. A target that is asked for often is not forgotten for the sake of one that is not.
//
// Misuse: changing the tree without forgetting all before; a place may be merged into another.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/learn/route_counts.hpp"
#include "lab/learn/text_hash.hpp"

namespace assay::learn {

inline constexpr std::size_t max_known_targets = 8192;  // a power of two
inline constexpr std::size_t longest_known_target = 256;

// One line of the CPU's cache. An answer like the last one touches no other: it is counted with the next that differs.
struct alignas(64) known_target {
  std::unique_ptr<char[]> text;    // the method, and the target as logged
  route_counts* counts = nullptr;  // null: none is here
  std::uint64_t times = 0;         // that the tree has not been told of
  std::uint64_t found = 0;         // of these, with another answer than "unknown"
  std::uint64_t number = 0;        // of the last request in the log
  std::uint64_t bytes = 0;         // of the last answer
  std::uint32_t same = 0;          // answers like it, not counted yet
  std::uint16_t method_bytes = 0;
  std::uint16_t target_bytes = 0;
  std::int16_t status = 0;        // of the last answer
  std::uint16_t credit = 0;       // how many others it outlasts
  std::uint32_t method_word = 0;  // the method's first bytes, which are all of most

  std::string_view method() const { return {text.get(), method_bytes}; }
  std::string_view target() const { return {text.get() + method_bytes, target_bytes}; }
  static std::uint32_t word_of(std::string_view method) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < std::min(method.size(), sizeof word); ++i) {
      word = word << 8U | static_cast<unsigned char>(method[i]);
    }
    return word;
  }
  bool is(std::uint32_t wanted_word, std::string_view wanted_method, std::string_view wanted) const {
    return counts != nullptr && target_bytes == wanted.size() && method_word == wanted_word &&
           method_bytes == wanted_method.size() && target() == wanted &&
           (method_bytes <= sizeof method_word || method() == wanted_method);
  }
  void add(const answer& given, room& left) {
    const bool is_same = same > 0 && same < std::numeric_limits<std::uint32_t>::max() && given.status == status &&
                         given.bytes == bytes && given.at.number >> given.at.shift == number >> given.at.shift;
    if (!is_same) {
      count_same(left);
      number = given.at.number;
      bytes = given.bytes;
      status = static_cast<std::int16_t>(given.status);
    }
    ++same;
  }
  void count_same(room& left) {
    if (same == 0) return;
    counts->count({.status = status, .bytes = bytes, .at = block_place::of(number)}, same, left);
    same = 0;
  }
};

class target_memo {
 public:
  target_memo() : targets_(max_known_targets) {}

  struct place {
    known_target& target;
    bool is_known = false;
  };
  // Where the target stands, if it is known, and else where it may stand: of two places that of the target that is
  // asked for less.
  place at(std::string_view method, std::string_view target) {
    const std::size_t first = text_hash(target) % max_known_targets;
    const std::uint32_t word = known_target::word_of(method);
    known_target& here = targets_[first];
    if (here.is(word, method, target)) return {here, true};
    known_target& beside = targets_[first ^ 1U];
    if (beside.is(word, method, target)) return {beside, true};
    return {beside.credit < here.credit ? beside : here, false};
  }

  // Calls tell(target) for each that the tree has not been told of, and forgets all.
  template <typename Fn>
  void forget_all(Fn&& tell) {
    if (!std::exchange(any_, false)) return;
    for (known_target& each : targets_) forget(each, tell);
  }
  template <typename Fn>
  static void forget(known_target& each, Fn&& tell) {
    known_target forgotten = std::exchange(each, {});
    if (forgotten.counts != nullptr && forgotten.times > 0) tell(forgotten);
  }
  void keep(known_target& at, std::string_view method, std::string_view target, route_counts* counts) {
    if (target.size() > longest_known_target || method.size() > longest_known_target) return;
    at = {.text = std::make_unique<char[]>(method.size() + target.size()), .counts = counts};
    std::ranges::copy(method, at.text.get());
    std::ranges::copy(target, at.text.get() + method.size());
    at.method_bytes = static_cast<std::uint16_t>(method.size());
    at.target_bytes = static_cast<std::uint16_t>(target.size());
    at.method_word = known_target::word_of(method);
    any_ = true;
  }

 private:
  std::vector<known_target> targets_;
  bool any_ = false;
};

}  // namespace assay::learn
