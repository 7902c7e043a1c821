// Numbers for those who asked, in the order in which they first did.
//
// Misuse: none; whoever is not known by anything gets a number of their own with fresh().
#pragma once

#include <cstdint>
#include <unordered_map>

namespace assay::learn {

class client_numbers {
 public:
  std::uint32_t of(std::uint64_t key) {
    const auto [place, is_new] = numbers_.try_emplace(key, next_);
    if (is_new) ++next_;
    return place->second;
  }
  std::uint32_t fresh() { return next_++; }

 private:
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::uint32_t next_ = 0;
};

}  // namespace assay::learn
