#include "lab/load/realised_arrivals.hpp"

#include <algorithm>
#include <cmath>

namespace assay::load {
namespace {

constexpr duration never_sent = duration::min();

// What chance adds to the number that is expected: six standard deviations.
double at_most(double expected) { return expected + 6 * std::sqrt(std::max(expected, 1.0)); }

}  // namespace

realised_arrivals::realised_arrivals(double expected, duration length) : length_(length) {
  const double most = at_most(expected);
  while (std::ldexp(static_cast<double>(most_pairs), static_cast<int>(shift_)) < most) shift_++;
  mask_ = (std::uint64_t{1} << shift_) - 1;
  const auto pairs = static_cast<std::size_t>(std::ldexp(most, -static_cast<int>(shift_))) + 1;
  // Written before the clock runs, like the histograms.
  instants_.assign(2 * std::min(pairs, most_pairs), never_sent);
}

std::optional<std::pair<duration, duration>> realised_arrivals::pair(std::size_t index) const {
  const duration first = instants_[2 * index];
  const duration second = instants_[2 * index + 1];
  if (first == never_sent || second == never_sent) return std::nullopt;
  return std::pair(first, second);
}

}  // namespace assay::load
