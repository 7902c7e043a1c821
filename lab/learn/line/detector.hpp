// Which format lines are in: every parser tries the first lines, and the one that understands most of them is it.
//
// Afterwards a line that the chosen parser refuses is offered to the others, and the one that takes it is chosen from
// there on: a server's format may have been changed in the middle of a file.
//
// Misuse: one for several inputs; parsers remember what came before.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/line_parser.hpp"

namespace assay::learn {

inline constexpr std::size_t most_sampled_lines = 100;

struct detected_format {
  std::string name = {};
  std::size_t understood = 0;  // of the lines tried
  std::size_t tried = 0;       // without those that are no requests
  std::string runner_up = {};  // the next best; empty when no other understood any
  std::size_t runner_up_understood = 0;

  // 0 to 1: the share of the lines tried that it understood.
  double confidence() const { return tried == 0 ? 0 : static_cast<double>(understood) / static_cast<double>(tried); }
};

class format_detector {
 public:
  // At least one; the first is taken when none understands anything.
  explicit format_detector(std::vector<parser_pointer> parsers);

  // Makes every parser try and chooses. The lines are not consumed: parse() is to meet them again.
  detected_format choose(std::span<const std::string_view> lines);

  std::expected<access_line, line_fault> parse(std::string_view line);
  std::expected<access_line, line_fault> rest() { return parsers_[chosen_]->rest(); }
  const line_parser& chosen() const { return *parsers_[chosen_]; }

 private:
  // `refused` becomes what the first of the others makes of it that takes it.
  void offer_to_others(std::string_view line, std::expected<access_line, line_fault>& refused);

  std::vector<parser_pointer> parsers_;
  std::size_t chosen_ = 0;
};

}  // namespace assay::learn
