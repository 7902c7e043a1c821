#include "lab/inside/failure_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace assay::inside {

void failure_list::add(std::string what, const std::vector<std::string>& stack) {
  for (std::size_t i = 0; i < std::min<std::size_t>(2, stack.size()); ++i) what += ": " + stack[i];
  if (told_.size() >= most_told && !told_.contains(what)) {
    ++others_;
  } else {
    ++told_[what];
  }
}

std::vector<model::unhandled_error> failure_list::failures() const {
  std::vector<model::unhandled_error> list;
  for (const auto& [text, count] : told_) list.push_back({text, count});
  std::ranges::sort(list, [](const model::unhandled_error& a, const model::unhandled_error& b) {
    return std::tie(b.count, a.text) < std::tie(a.count, b.text);
  });
  if (others_ > 0) list.push_back({fmt::format("of other texts than these {}", most_told), others_});
  return list;
}

}  // namespace assay::inside
