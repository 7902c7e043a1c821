#include "lab/load/intervals.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

// The 97.5 % quantile of the standard normal distribution.
constexpr double normal_quantile = 1.959963984540054;

// Parts that differ less than this against chance do so by chance in one of 40 runs of independent requests (the 2.5 %
// quantile of chi squared over its 31 degrees); more is not made of it.
constexpr double least_design_effect = 0.57;

// Effective samples beyond a quantile, of which its interval is told: fewer are told of in runs that happened to have
// few slow ones above all, and those are the runs that are wrong about it.
constexpr double least_beyond = 8;
constexpr double least_degrees = 4;
// Joining costs some degrees of freedom, refusing the interval: the first takes less evidence than the second.
constexpr int most_joined = 2;  // times by two
constexpr double errors_to_join = 1;
constexpr double errors_to_refuse = 1.4;

// That of Student's t by Cornish and Fisher's expansion (Abramowitz and Stegun, 26.7.5): to 0.01 from 4 degrees
// on.
double student_quantile(double degrees) {
  constexpr double z = normal_quantile;
  constexpr double z3 = z * z * z;
  constexpr double z5 = z3 * z * z;
  constexpr double z7 = z5 * z * z;
  const double part = 1 / degrees;
  return z + part * ((z3 + z) / 4 +
                     part * ((5 * z5 + 16 * z3 + 3 * z) / 96 + part * (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / 384));
}

std::size_t filled(std::span<const observe::histogram> parts) {
  return static_cast<std::size_t>(
      std::ranges::count_if(parts, [](const observe::histogram& each) { return each.count() > 0; }));
}

// By how much each part that has anything differs from what all of them say about a ratio of two sums, in their order
// (the estimator of a ratio from clusters; W. G. Cochran, Sampling Techniques, section 6.3).
struct ratio {
  double value = 0;
  double second = 0;  // the second sum
  std::vector<double> beyond;
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
    if (each.count() > 0) of.beyond.push_back(first(each) - of.value * static_cast<double>(each.count()));
  }
  return of;
}

double sum_of_powers(const std::vector<double>& of, int power) {
  double sum = 0;
  for (const double each : of) sum += std::pow(each, power);
  return sum;
}

// Whether neighbours are alike, beyond so many standard errors of what independent parts show by chance: one over the
// root of their number.
bool are_alike(const std::vector<double>& parts, double errors) {
  double products = 0;
  for (std::size_t i = 1; i < parts.size(); ++i) products += parts[i] * parts[i - 1];
  return products > errors / std::sqrt(static_cast<double>(parts.size())) * sum_of_powers(parts, 2);
}

std::vector<double> joined_by_two(const std::vector<double>& parts) {
  std::vector<double> joined;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    joined.push_back(parts[i] + (i + 1 < parts.size() ? parts[i + 1] : 0));
  }
  return joined;
}

// What parts that are independent of each other say of the sum of all: its variance and third moment, and from how many
// degrees of freedom. A few parts that are far out say less than many (F. E. Satterthwaite, Biometrics Bulletin 2,
// 1946, with the parts' own fourth moment).
struct spread {
  double variance = 0;
  double skew = 0;
  double degrees = 0;
};

// Parts whose neighbours are alike are joined. Nothing where they are alike even then, since they differ less than runs
// do; or where hardly more than one of them is what differs.
std::optional<spread> spread_of(std::vector<double> parts) {
  for (int joined = 0; joined < most_joined && are_alike(parts, errors_to_join); ++joined) parts = joined_by_two(parts);
  if (are_alike(parts, errors_to_refuse)) return std::nullopt;
  const auto count = static_cast<double>(parts.size());
  const double squares = sum_of_powers(parts, 2);
  spread of{.variance = squares * count / (count - 1), .skew = sum_of_powers(parts, 3), .degrees = count - 1};
  if (squares > 0) {
    const double kurtosis = count * sum_of_powers(parts, 4) / (squares * squares);
    if (kurtosis > 1) of.degrees = std::min(of.degrees, 2 * count / (kurtosis - 1));
  }
  return of.degrees < least_degrees ? std::nullopt : std::optional(of);
}

}  // namespace

std::optional<model::time_interval> mean_interval(std::span<const observe::histogram> parts) {
  if (filled(parts) < least_parts) return std::nullopt;
  const ratio mean =
      ratio_of(parts, [](const observe::histogram& each) { return each.mean() * static_cast<double>(each.count()); });
  const std::optional<spread> differs = spread_of(mean.beyond);
  if (!differs) return std::nullopt;
  const double half = student_quantile(differs->degrees) * std::sqrt(differs->variance) / mean.second;
  const double moved = differs->variance > 0 ? differs->skew / (6 * differs->variance * mean.second) : 0;
  return model::time_interval{.low_ns = std::max(0.0, mean.value + moved - half), .high_ns = mean.value + moved + half};
}

std::optional<model::quantile_interval> quantile_interval(const observe::histogram& all,
                                                          std::span<const observe::histogram> parts, double quantile,
                                                          std::uint64_t bunches) {
  if (filled(parts) < least_parts || !observe::estimable(quantile, all.count())) return std::nullopt;
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
  const std::optional<spread> differs = spread_of(below.beyond);
  if (!differs) return std::nullopt;
  const double by_chance = chance(below);
  const double design_effect = by_chance > 0 ? std::max(least_design_effect, differs->variance / by_chance) : 1;
  const double wider = student_quantile(differs->degrees) / normal_quantile;
  const double effective = static_cast<double>(all.count()) / design_effect;
  const auto counted = static_cast<std::uint64_t>(effective / (wider * wider));
  const auto apart = static_cast<double>(std::min(counted, bunches));
  if (apart * std::min(quantile, 1 - quantile) < least_beyond) return std::nullopt;
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
                                       std::span<const double> asked, std::uint64_t bunches) {
  std::set<double> quantiles{0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
  quantiles.insert(asked.begin(), asked.end());
  model::response_intervals told{.mean = mean_interval(parts)};
  for (const double quantile : quantiles) {
    if (const auto known = quantile_interval(all, parts, quantile, bunches)) told.quantiles.push_back(*known);
  }
  return told;
}

}  // namespace assay::load
