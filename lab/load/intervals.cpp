#include "lab/load/intervals.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

// The 97.5 % quantile of the standard normal distribution.
constexpr double normal_quantile = 1.959963984540054;

// Parts that differ less than this against chance do so by chance in one of 40 runs of independent requests (the 2.5 %
// quantile of chi squared over its 31 degrees); more is not made of it.
constexpr double least_design_effect = 0.57;

// That of Student's t by Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5): to 0.001 from 15 degrees on.
double student_quantile(double degrees) {
  constexpr double z = normal_quantile;
  constexpr double z3 = z * z * z;
  constexpr double z5 = z3 * z * z;
  return z + (z3 + z) / (4 * degrees) + (5 * z5 + 16 * z3 + 3 * z) / (96 * degrees * degrees);
}

std::size_t filled(std::span<const observe::histogram> parts) {
  return static_cast<std::size_t>(
      std::ranges::count_if(parts, [](const observe::histogram& each) { return each.count() > 0; }));
}

// What all parts together say about a ratio of two sums, and how much that differs: the ratio, and the variance of the
// first sum about it (the estimator of a ratio from clusters; W. G. Cochran, Sampling Techniques, section 6.3).
struct ratio {
  double value = 0;
  double variance = 0;  // of the first sum
  double skew = 0;      // its third moment
  double second = 0;    // the second sum
};

template <class First>
ratio ratio_of(std::span<const observe::histogram> parts, const First& first) {
  ratio of;
  double sum = 0;
  for (const observe::histogram& each : parts) {
    sum += first(each);
    of.second += static_cast<double>(each.count());
  }
  of.value = sum / of.second;
  for (const observe::histogram& each : parts) {
    const double beyond = first(each) - of.value * static_cast<double>(each.count());
    of.variance += beyond * beyond;
    of.skew += beyond * beyond * beyond;
  }
  const auto clusters = static_cast<double>(filled(parts));
  of.variance *= clusters / (clusters - 1);
  return of;
}

}  // namespace

std::optional<model::time_interval> mean_interval(std::span<const observe::histogram> parts) {
  const std::size_t clusters = filled(parts);
  if (clusters < least_parts) return std::nullopt;
  const ratio mean =
      ratio_of(parts, [](const observe::histogram& each) { return each.mean() * static_cast<double>(each.count()); });
  const double half = student_quantile(static_cast<double>(clusters) - 1) * std::sqrt(mean.variance) / mean.second;
  const double moved = mean.variance > 0 ? mean.skew / (6 * mean.variance * mean.second) : 0;
  return model::time_interval{.low_ns = std::max(0.0, mean.value + moved - half), .high_ns = mean.value + moved + half};
}

std::optional<model::quantile_interval> quantile_interval(const observe::histogram& all,
                                                          std::span<const observe::histogram> parts, double quantile) {
  const std::size_t clusters = filled(parts);
  if (clusters < least_parts || !observe::estimable(quantile, all.count())) return std::nullopt;
  const std::uint64_t at = all.value_at_quantile(quantile);
  const auto share_until = [parts](std::uint64_t value) {
    return ratio_of(
        parts, [value](const observe::histogram& each) { return static_cast<double>(each.count_at_or_below(value)); });
  };
  const auto chance = [](const ratio& of) { return of.second * of.value * (1 - of.value); };
  ratio below = share_until(at);
  // All the slow ones took the same time, a timeout's for example: what differs is how many they are.
  const std::uint64_t first = parts.front().lowest_equivalent(at);
  if (chance(below) <= 0 && first > 0) below = share_until(first - 1);
  const double by_chance = chance(below);
  const double design_effect = by_chance > 0 ? std::max(least_design_effect, below.variance / by_chance) : 1;
  const double wider = student_quantile(static_cast<double>(clusters) - 1) / normal_quantile;
  const double effective = static_cast<double>(all.count()) / design_effect;
  const auto counted = static_cast<std::uint64_t>(effective / (wider * wider));
  const auto ranks = observe::quantile_confidence_ranks(quantile, counted);
  if (!ranks) return std::nullopt;
  const auto value_of = [&](std::uint64_t rank) {
    return all.value_at_quantile(static_cast<double>(rank) / static_cast<double>(counted));
  };
  const std::uint64_t low = all.lowest_equivalent(value_of(ranks->lower_rank));
  const std::uint64_t high = std::min(value_of(ranks->upper_rank), all.max());
  return model::quantile_interval{
      .quantile = quantile,
      .within = {.low_ns = static_cast<double>(std::max(low, all.min())), .high_ns = static_cast<double>(high)},
      .effective_samples = std::min(effective, static_cast<double>(all.count()))};
}

model::response_intervals intervals_of(const observe::histogram& all, std::span<const observe::histogram> parts,
                                       std::span<const double> asked) {
  std::set<double> quantiles{0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
  quantiles.insert(asked.begin(), asked.end());
  model::response_intervals told{.mean = mean_interval(parts)};
  for (const double quantile : quantiles) {
    if (const auto known = quantile_interval(all, parts, quantile)) told.quantiles.push_back(*known);
  }
  return told;
}

}  // namespace assay::load
