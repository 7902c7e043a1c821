// The targets that come again and again, each with where it is counted: most requests of most logs are for few of them,
// and their paths need not be taken apart each time.
//
// What the tree wants to know of a path (how often it was walked, and which values it had) is added up here, and told
// when the target is forgotten. A target that is asked for often is not forgotten for the sake of one that is not.
//
// Misuse: changing the tree without forgetting all before; a place may be merged into another.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/learn/route_counts.hpp"
#include "lab/learn/text_hash.hpp"

namespace assay::learn {

inline constexpr std::size_t max_known_targets = 8192;  // a power of two
inline constexpr std::size_t longest_known_target = 256;

// One line of the CPU's cache.
struct known_target {
  std::string text;                // the method, and the target as logged
  route_counts* counts = nullptr;  // null: none is here
  std::uint64_t times = 0;         // that the tree has not been told of
  std::uint64_t found = 0;         // of these, with another answer than "unknown"
  std::uint32_t method_bytes = 0;
  std::uint32_t credit = 0;  // how many others it outlasts

  std::string_view method() const { return std::string_view(text).substr(0, method_bytes); }
  std::string_view target() const { return std::string_view(text).substr(method_bytes); }
  bool is(std::string_view wanted_method, std::string_view wanted) const {
    return counts != nullptr && target() == wanted && method() == wanted_method;
  }
};

class target_memo {
 public:
  target_memo() : targets_(max_known_targets) {}

  // Where the target stands, if it is known, and else where it may stand: of two places that of the target that is
  // asked for less.
  known_target& at(std::string_view method, std::string_view target) {
    const std::size_t first = text_hash(target) % max_known_targets;
    known_target& here = targets_[first];
    if (here.is(method, target)) return here;
    known_target& beside = targets_[first ^ 1U];
    return beside.is(method, target) || beside.credit < here.credit ? beside : here;
  }

  // Calls tell(target) for each that the tree has not been told of, and forgets all.
  template <typename Fn>
  void forget_all(Fn&& tell) {
    if (!std::exchange(any_, false)) return;
    for (known_target& each : targets_) forget(each, tell);
  }
  template <typename Fn>
  static void forget(known_target& each, Fn&& tell) {
    const known_target forgotten = std::exchange(each, {});
    if (forgotten.counts != nullptr && forgotten.times > 0) tell(forgotten);
  }
  void keep(known_target& place, std::string_view method, std::string_view target, route_counts* counts) {
    if (target.size() > longest_known_target) return;
    place = {.text = std::string(method), .counts = counts};
    place.text += target;
    place.method_bytes = static_cast<std::uint32_t>(method.size());
    any_ = true;
  }

 private:
  std::vector<known_target> targets_;
  bool any_ = false;
};

}  // namespace assay::learn
