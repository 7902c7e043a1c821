// Errors that nobody handled, as a runtime's shim tells them, counted by their text.
//
// Misuse: texts that hold a value of each request: beyond most_told of them the rest is only counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lab/model/watch.hpp"

namespace assay::inside {

class failure_list {
 public:
  static constexpr std::size_t most_told = 20;  // told apart

  // `stack`: innermost first; its first two frames are told.
  void add(std::string what, const std::vector<std::string>& stack);
  // The most frequent first; last, those that are not told apart.
  std::vector<model::unhandled_error> failures() const;

 private:
  std::map<std::string, std::uint64_t> told_;
  std::uint64_t others_ = 0;
};

}  // namespace assay::inside
