// Laws of amounts that were counted: the power law of an upper end, and the geometric law of lengths.
//
//   tail        Hill's estimator (B. M. Hill, Annals of Statistics 3, 1975) beyond the amount from which the power law
//               fits best: the least distance of Kolmogorov and Smirnov (A. Clauset, C. R. Shalizi and M. E. J. Newman,
//               SIAM Review 51, 2009, 3.3). The standard error of alpha is alpha / sqrt(n).
//   geometric   the distance of the distribution functions, with the mean that was seen: who goes on with the same
//               chance after each request makes sessions of such lengths.
//
// Misuse: taking any fit for a power law. It is one where `distance` is small; of sizes that are few and often asked
// for no law is right, and the interval, which is of independent amounts, is too narrow.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "lab/model/profile.hpp"

namespace assay::learn {

// How often amounts of `least` to `most` were met.
struct counted_amounts {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  std::uint64_t times = 0;
};

inline constexpr std::uint64_t fewest_of_a_tail = 100;

// Ascending. Empty when there are too few, or too few different ones, in the upper half.
std::optional<model::tail_fit> fit_tail(std::span<const counted_amounts> amounts);

// Of lengths of 1 and more, ascending.
double geometric_distance(std::span<const counted_amounts> lengths, double mean);

}  // namespace assay::learn
