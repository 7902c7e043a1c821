// What a process holds in each idle moment of a soak, and whether that creeps up.
//
//   std::vector<level> levels;
//   ... levels.push_back(level_of(visited.held()));      // after each round, once it is idle
//   for (const std::string& line : what_grows(levels)) ...
//
//   for (const std::string& line : what_stays(before_the_load, levels.back())) ...
//
// An idle service is not byte for byte what it was: pools have more connections at one time than at another, buffers
// are kept. So a rise has to be a trend, by Mann and Kendall's test over the rounds (Mann, "Nonparametric Tests Against
// Trend", Econometrica 13, 1945), and larger, by the median of all slopes (Sen, JASA 63, 1968), than what is allowed.
// What one load leaves behind is no trend; for that before and after are compared, within a tolerance for each.
//
// Misuse: few rounds. The first third is left out, as caches fill then, and of less than min_rounds nothing is said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/soak/service.hpp"

namespace assay::soak {

struct level {
  double heap_bytes = 0;      // in use, by everybody in the process
  double resident_bytes = 0;  // what the kernel says; under a sanitizer that is mostly the sanitizer's
  double descriptors = 0;     // those of the pools' connections, which come and go, not included
  double timers = 0;          // of all loops, as what follows
  double frames = 0;
};

std::size_t open_descriptors();
level level_of(const holdings& idle);

inline constexpr std::size_t min_rounds = 12;

// How far the values have risen from the first to the last, when that is a trend (z >= 3); none when it is not.
std::optional<double> rise_of(const std::vector<double>& values);

// A line for each thing that rises by more than is allowed for it; none when there are too few rounds.
std::vector<std::string> what_grows(const std::vector<level>& after_each_round);

// A line for each thing of which there is more than before by more than its tolerance.
std::vector<std::string> what_stays(const level& before, const level& after);

}  // namespace assay::soak
