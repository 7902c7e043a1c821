// How often each value of a placeholder occurred, in bounded memory, and how unequal that is.
//
// Misuse: reading `distinct` of a capped placeholder as a count; it is a lower bound.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lab/learn/line/shape.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::size_t max_values_a_placeholder = 50'000;
inline constexpr std::size_t max_values_of_all = 500'000;

// The exponent s of a Zipf law, P(rank r) proportional to r^-s, by maximum likelihood over the ranks that were seen at
// least five times: below that the order of the ranks is luck. `counts` in descending order. Empty when fewer than ten
// such ranks or a hundred requests are there, or the likelihood has no maximum in 0..5.
std::optional<double> zipf_exponent(std::span<const std::uint64_t> counts);

class value_counts {
 public:
  // `budget`: how many more values all placeholders together may keep. A value that was not `found` is counted, but
  // says nothing of shape and range.
  void add(std::string_view value, std::uint64_t count, std::size_t& budget, bool found = true);
  // Afterwards as if all had been added here, as far as the caps allow.
  void merge(const value_counts& other, std::size_t& budget);

  std::optional<std::string_view> only_value() const;  // when there is one value alone
  model::placeholder describe(std::string name) const;

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  void tally(std::string_view value, std::uint64_t count, std::size_t& budget);
  shape dominant_shape() const;
  std::pair<std::int64_t, std::int64_t> shown_range() const;

  std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> counts_;
  std::array<std::uint64_t, shape_count> shapes_{};  // requests that were found
  std::uint64_t uncounted_ = 0;                      // requests whose value found no room
  std::optional<std::int64_t> least_, greatest_;
};

}  // namespace assay::learn
