// Requests of each second, and what they say about rates and burstiness.
//
// Misuse: reading the dispersion of a log whose stamps a buffering writer made; it then describes the writer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::size_t max_days = 31;

// What stamps of a second leave open, between two assumptions: that the requests of a second are spread over it at
// random, and that all come at once.
struct sub_second_bounds {
  double dispersion_spread = 0;  // of the counts in tenths of a second
  double dispersion_clumped = 0;
  std::uint32_t busiest_spread = 0;  // requests in the busiest tenth
  std::uint32_t busiest_clumped = 0;
};

class arrival_counts {
 public:
  void add(std::chrono::sys_seconds at, std::chrono::minutes zone);

  // Of the busiest stretch of the first max_days days without a week of silence in it: one line from a wrong clock
  // must not make a log of years. `requests` counts those of the stretch.
  model::arrivals describe() const;

  // Of the same stretch.
  std::vector<model::measure> measures() const;

  // Of the same stretch; empty when it is too short for a dispersion.
  std::optional<sub_second_bounds> below_a_second() const;

 private:
  struct stretch {
    std::chrono::sys_seconds first{};
    std::vector<std::uint32_t> seconds;  // without silence at either end
  };
  stretch busiest() const;

  std::map<std::chrono::sys_days, std::vector<std::uint32_t>> days_;
  std::chrono::sys_days last_day_{};
  std::vector<std::uint32_t>* of_last_day_ = nullptr;  // in days_
  std::chrono::minutes zone_{0};
};

}  // namespace assay::learn
