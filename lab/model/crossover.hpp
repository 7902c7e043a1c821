// Two services under the same concurrency, level by level, and from which level on the second does better.
//
// Misuse: reading the levels beyond the last one that was tried into it; what was not tried is not known.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/model/comparison.hpp"
#include "lab/model/estimate.hpp"

namespace assay::model {

enum class crossover_outcome : std::uint8_t {
  crosses,       // from a level on the second is better, and below it is not
  always,        // it is better at every level
  never,         // it is not better at the highest level
  inconclusive,  // at the highest level the runs do not tell
};

std::string_view label(crossover_outcome outcome);

// One service at one level; a value a valid run.
struct crossover_side {
  std::vector<double> good_rps = {};        // answers as expected and in time
  std::vector<double> p99_ms = {};          // of runs with enough answers to tell it
  unsigned invalid = 0;                     // runs that do not count
  std::string why_invalid = {};             // of the latest of them
  std::optional<estimate> throughput = {};  // mean of the runs; absent of fewer than two
  std::optional<estimate> p99 = {};
};

struct crossover_level {
  unsigned connections = 0;
  std::array<crossover_side, 2> sides = {};
  // The second against the first.
  metric_comparison throughput = {};
  metric_comparison p99 = {};
};

struct crossover_result {
  std::array<std::string, 2> urls = {};
  double run_length_s = 0;
  unsigned repeats = 0;
  bool interrupted = false;
  std::vector<crossover_level> levels = {};  // rising
  crossover_outcome outcome = crossover_outcome::inconclusive;
  std::optional<unsigned> better_from = {};       // connections, of crosses and always
  std::optional<unsigned> not_better_until = {};  // the highest level below at which that is certain
};

}  // namespace assay::model
