// The value of a placeholder, drawn as its source says: a function of the numbers it is given, nothing else.
//
// Misuse: a source that create() has not seen. It names what is wrong with a range, an exponent or a list.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/counter_random.hpp"
#include "lab/load/visitor_draw.hpp"
#include "lab/load/zipf.hpp"
#include "lab/model/plan.hpp"

namespace assay::load {

class value_draw {
 public:
  // Zipf's ranks are numbers in floating point on the way; above this two of them could be one.
  static constexpr std::uint64_t max_zipf_ranks = 1ULL << 50;

  // The seed is for values that several requests have in common. The error continues a sentence: "expected ...".
  static std::expected<value_draw, std::string> create(const model::value_source& source, std::uint64_t seed = 0);

  // `ordinal` is the number of the request among all. Replaces `out`; its capacity is kept, so that nothing is
  // allocated once it has been long enough.
  void draw(draw_stream from, std::uint64_t ordinal, std::string& out) const;
  // For checks of the texts it can give.
  const model::value_source& source() const { return source_; }

 private:
  explicit value_draw(model::value_source source) : source_(std::move(source)) {}

  model::value_source source_;
  std::optional<zipf_law> zipf_;
  std::optional<visitor_draw> visitors_;
};

// By which of the values' streams each is drawn: its own, or that of the first which comes from another column of the
// same file. What stands in one row stays together, a user and the password, and two names for one column do not.
std::vector<std::size_t> streams_of(const std::vector<value_draw>& values);

}  // namespace assay::load
