#include "lab/inside/failure_list.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::inside {

void failure_list::add(std::string what, const std::vector<std::string>& stack) {
  for (std::size_t i = 0; i < std::min<std::size_t>(2, stack.size()); ++i) what += ": " + stack[i];
  if (told_.size() >= most_told && !told_.contains(what)) {
    ++others_;
  } else {
    ++told_[what];
  }
}

std::vector<std::string> failure_list::texts() const {
  std::vector<std::string> list;
  for (const auto& [text, count] : told_) {
    list.push_back(fmt::format("an error that nobody handled, {} times: {}", count, text));
  }
  if (others_ > 0) {
    list.push_back(
        fmt::format("errors that nobody handled, of other texts than these {}: {} times", most_told, others_));
  }
  return list;
}

}  // namespace assay::inside
