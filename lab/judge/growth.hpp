// Whether a series of samples grows without end, by how much, and what only looks like it.
//
//   1. the first part is left out: whatever starts, grows at first;
//   2. means (or minima) of blocks, so long that neighbours hardly depend on each other; a dozen blocks at least;
//   3. Theil-Sen slope with Sen's interval, Mann-Kendall's test, both widened by what dependence the blocks have left:
//      the raw test takes a collector's saw for a trend in two of three series (Machida et al., ISSREW 2013). A dozen
//      blocks are few for a test of ranks: where a line explains nearly all of the variance, that is enough;
//   4. guards: one shift of level is a step; growth that has ended is a cache or an allocator; growth that does not
//      matter is none.
//
// Misuse: a series over changing load. What grows with the load is no leak, and this cannot tell.
#pragma once

#include <cstdint>
#include <span>

#include "lab/model/estimate.hpp"

namespace assay::judge {

inline constexpr double growth_warm_up_share = 0.2;  // of the series, left out
inline constexpr std::size_t growth_least_blocks = 12;
inline constexpr std::size_t growth_most_blocks = 120;  // pairs of them are looked at
inline constexpr double growth_alpha = 0.01;            // two-sided, of a stationary series being taken for growth

enum class block_value : std::uint8_t {
  mean,
  least,  // of counts that go up and down with the load: what never comes back
};

struct growth_rule {
  double least_growth = 0;                  // over what was judged, in the series' unit
  double least_share = 0;                   // and of the level it began with
  double relevant_share = 0.2;              // growth beyond so much of the level ...
  double relevant_within_s = 7 * 86'400.0;  // ... within so long is a leak
  block_value blocks = block_value::mean;
};

enum class growth_shape : std::uint8_t {
  too_short,
  flat,       // no growth, or none that matters
  step,       // one shift of level
  plateau,    // it has grown and stopped
  unbounded,  // a leak, as far as it was watched
};

struct growth {
  growth_shape shape = growth_shape::too_short;
  model::estimate slope_per_s = {};  // 95 %; n: blocks
  double p = 1;                      // of a series without growth, two-sided
  double level = 0;                  // where it began
  double grown = 0;                  // over what was judged
  double judged_s = 0;
};

/// Samples in the order of time, about evenly spaced.
growth judge_growth(std::span<const double> at_s, std::span<const double> values, const growth_rule& rule);

}  // namespace assay::judge
