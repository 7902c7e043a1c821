// Requests a second over the whole log, and what follows from them.
//
// Index of dispersion for counts (Gusella 1991): variance over mean of the number of arrivals in windows of a length;
// 1 is Poisson. Taken within each hour and averaged, weighted by requests, so that the day's shape does not pass for
// burstiness.
//
// Misuse: asking for scales below the log's resolution of one second.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

#include "lab/model/profile.hpp"

namespace assay::learn {

class arrival_counts {
 public:
  // False when it lies more than max_seconds from the others and is not counted.
  bool add(std::chrono::sys_seconds at);
  model::arrivals summary() const;

 private:
  std::vector<std::uint32_t> whole_range() const;
  std::map<std::int64_t, std::uint32_t> by_second_;
};

// By the scale in seconds; a scale with fewer than two windows an hour, or no requests, is absent. Pure.
std::map<int, double> dispersion_within_hours(const std::vector<std::uint32_t>& seconds);
std::map<int, double> peak_to_mean(const std::vector<std::uint32_t>& seconds);

}  // namespace assay::learn
