#include "lab/learn/line/detector.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace assay::learn {
namespace {

// Whether another format may have a meaning for what this one refused: not for a broken line, nor for a comment.
bool may_be_another(line_fault fault, std::string_view line) {
  if (fault == line_fault::aside) return !line.starts_with('#');
  return fault != line_fault::unfinished && fault != line_fault::empty && fault != line_fault::too_long &&
         fault != line_fault::nul_byte;
}

struct tries {
  std::size_t understood = 0;
  std::size_t requests = 0;  // of these, the lines in which a request was found
  std::size_t tried = 0;
};

tries try_all(line_parser& parser, std::span<const std::string_view> lines) {
  tries counted;
  for (const std::string_view line : lines) {
    const auto parsed = parser.parse(line);
    if (parsed) ++counted.understood;
    if (parsed && !parsed->method.empty()) ++counted.requests;
    if (parsed || (parsed.error() != line_fault::aside && parsed.error() != line_fault::unfinished)) ++counted.tried;
  }
  // A recording holds requests back until their responses come.
  while (parser.rest()) {
    ++counted.understood;
    ++counted.requests;
    ++counted.tried;
  }
  return counted;
}

}  // namespace

format_detector::format_detector(std::vector<parser_pointer> parsers) : parsers_(std::move(parsers)) {
  assert(!parsers_.empty());
}

detected_format format_detector::choose(std::span<const std::string_view> lines) {
  std::vector<tries> counted;
  for (const parser_pointer& each : parsers_) {
    each->reset();
    counted.push_back(try_all(*each, lines));
    each->reset();
  }
  const auto better = [&](std::size_t a, std::size_t b) {
    return std::pair(counted[a].understood, counted[a].requests) <
           std::pair(counted[b].understood, counted[b].requests);
  };
  chosen_ = 0;
  for (std::size_t i = 1; i < parsers_.size(); ++i) {
    if (better(chosen_, i)) chosen_ = i;
  }
  std::size_t next = chosen_ == 0 ? 1 : 0;
  for (std::size_t i = 0; i < parsers_.size(); ++i) {
    if (i != chosen_ && better(next, i)) next = i;
  }
  detected_format found{.name = std::string(parsers_[chosen_]->name()),
                        .understood = counted[chosen_].understood,
                        .tried = counted[chosen_].tried};
  if (next < parsers_.size() && counted[next].understood > 0) {
    found.runner_up = parsers_[next]->name();
    found.runner_up_understood = counted[next].understood;
  }
  return found;
}

std::expected<access_line, line_fault> format_detector::parse(std::string_view line) {
  auto parsed = parsers_[chosen_]->parse(line);
  if (!parsed) offer_to_others(line, parsed);
  return parsed;  // the one return there is, so that a line is not copied
}

void format_detector::offer_to_others(std::string_view line, std::expected<access_line, line_fault>& refused) {
  const bool is_sole = parsers_.size() == 1 || parsers_[chosen_]->joins_lines();
  if (is_sole || !may_be_another(refused.error(), line)) return;
  for (std::size_t i = 0; i < parsers_.size(); ++i) {
    if (i == chosen_ || parsers_[i]->joins_lines()) continue;
    auto other = parsers_[i]->parse(line);
    if (other) chosen_ = i;
    const bool is_head = !other && other.error() == line_fault::aside && line.starts_with('#');
    if (!other && !is_head) continue;
    refused = std::move(other);
    return;
  }
}

}  // namespace assay::learn
