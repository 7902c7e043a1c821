// Requests of each second, and what they say about rates and burstiness.
//
// Misuse: reading the dispersion of a log whose stamps a buffering writer made; it then describes the writer.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::size_t max_days = 31;

class arrival_counts {
 public:
  void add(std::chrono::sys_seconds at, std::chrono::minutes zone);

  // Of the busiest stretch of the first max_days days without a week of silence in it: one line from a wrong clock
  // must not make a log of years. `requests` counts those of the stretch.
  model::arrivals describe() const;

 private:
  struct stretch {
    std::chrono::sys_seconds first{};
    std::vector<std::uint32_t> seconds;  // without silence at either end
  };
  stretch busiest() const;

  std::map<std::chrono::sys_days, std::vector<std::uint32_t>> days_;
  std::chrono::minutes zone_{0};
};

}  // namespace assay::learn
