#include "lab/load/intervals.hpp"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <cmath>
#include <optional>
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

// Bunches beyond a quantile, of which its interval is told: a slow one that has not come yet is in no part.
constexpr double least_bunches_beyond = 8;
constexpr double least_degrees = 4;
// So many times as long a run at least is to be that may tell what this one does not.
constexpr double least_longer = 2;
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
// 1946, with the parts' own fourth moment). Parts whose neighbours are alike are joined.
struct spread {
  double variance = 0;
  double skew = 0;
  double degrees = 0;
  bool alike = false;  // even then: they differ less than runs do
};

spread spread_of(std::vector<double> parts) {
  for (int joined = 0; joined < most_joined && are_alike(parts, errors_to_join); ++joined) parts = joined_by_two(parts);
  const auto count = static_cast<double>(parts.size());
  const double squares = sum_of_powers(parts, 2);
  spread of{.variance = squares * count / (count - 1),
            .skew = sum_of_powers(parts, 3),
            .degrees = count - 1,
            .alike = are_alike(parts, errors_to_refuse)};
  if (squares > 0) {
    const double kurtosis = count * sum_of_powers(parts, 4) / (squares * squares);
    if (kurtosis > 1) of.degrees = std::min(of.degrees, 2 * count / (kurtosis - 1));
  }
  return of;
}

using model::untold_interval;
using model::untold_reason;

untold_interval few_parts(double quantile, std::size_t parts) {
  return {quantile, untold_reason::few_parts,
          static_cast<double>(least_parts) / static_cast<double>(std::max<std::size_t>(parts, 1))};
}

// Nothing where the parts say how much runs differ.
std::optional<untold_interval> why_untold(const spread& of, double quantile) {
  if (of.alike) return untold_interval{quantile, untold_reason::long_moments, least_longer};
  if (of.degrees >= least_degrees) return std::nullopt;
  return untold_interval{quantile, untold_reason::few_moments, least_degrees / of.degrees};
}

// What the parts say of the share of samples until a value, or at the largest below it where there are none beyond:
// the slow ones all took the same time, a timeout's for example, and what differs is how many they are.
struct share_spread {
  spread differs;
  double effective = 0;  // so many independent samples would tell as much
  double counted = 0;    // and so many are counted on, since that is an estimate
};

share_spread share_until(std::span<const observe::histogram> parts, std::uint64_t value) {
  const auto until = [parts](std::uint64_t end) {
    return ratio_of(parts,
                    [end](const observe::histogram& each) { return static_cast<double>(each.count_at_or_below(end)); });
  };
  const auto chance = [](const ratio& of) { return of.second * of.value * (1 - of.value); };
  ratio below = until(value);
  const std::uint64_t first = parts.front().lowest_equivalent(value);
  if (chance(below) <= 0 && first > 0) below = until(first - 1);
  share_spread of{.differs = spread_of(below.beyond)};
  const double by_chance = chance(below);
  const double design_effect = by_chance > 0 ? std::max(least_design_effect, of.differs.variance / by_chance) : 1;
  const double wider = student_quantile(std::max(of.differs.degrees, least_degrees)) / normal_quantile;
  of.effective = below.second / design_effect;
  of.counted = of.effective / (wider * wider);
  return of;
}

// So few of `samples` or fewer lie where a share of them is to, with 2.5 %: C. J. Clopper and E. S. Pearson, Biometrika
// 26, 1934, of a number of samples that need not be whole. Nothing where not even none is that rare.
std::optional<double> fewest(double samples, double share) {
  const auto so_few = [=](double count) { return boost::math::ibetac(count + 1, samples - count, share); };
  if (!(samples > 0) || so_few(0) > observe::quantile_tail_probability) return std::nullopt;
  double low = 0;
  double high = samples * share;
  constexpr int halvings = 40;
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (so_few(middle) > observe::quantile_tail_probability ? high : low) = middle;
  }
  return low;
}

// The least value that so many samples allow: below it too few would lie. How much they are worth is taken from there,
// and not from the quantile: a value that is too low has more slow moments beyond it than the quantile, and each of
// them is longer there, so that its share differs by more from run to run.
std::optional<std::uint64_t> least_value(const observe::histogram& all, std::span<const observe::histogram> parts,
                                         double quantile, double counted) {
  constexpr int most_steps = 8;
  std::optional<std::uint64_t> value;
  for (int i = 0; i < most_steps; ++i) {
    const std::optional<double> below = fewest(counted, quantile);
    if (!below) return std::nullopt;
    value = all.value_at_quantile(*below / counted);
    const double there = share_until(parts, *value).counted;
    if (there >= counted) break;
    counted = there;
  }
  return value;
}

}  // namespace

std::expected<model::time_interval, untold_interval> mean_interval(std::span<const observe::histogram> parts) {
  const std::size_t seen = filled(parts);
  if (seen < least_parts) return std::unexpected(few_parts(untold_interval::of_mean, seen));
  const ratio mean =
      ratio_of(parts, [](const observe::histogram& each) { return each.mean() * static_cast<double>(each.count()); });
  const spread differs = spread_of(mean.beyond);
  if (const auto why = why_untold(differs, untold_interval::of_mean)) return std::unexpected(*why);
  const double half = student_quantile(differs.degrees) * std::sqrt(differs.variance) / mean.second;
  const double moved = differs.variance > 0 ? differs.skew / (6 * differs.variance * mean.second) : 0;
  return model::time_interval{.low_ns = std::max(0.0, mean.value + moved - half), .high_ns = mean.value + moved + half};
}

std::expected<model::quantile_interval, untold_interval> quantile_interval(const observe::histogram& all,
                                                                           std::span<const observe::histogram> parts,
                                                                           double quantile, std::uint64_t bunches) {
  const auto too_few = [quantile](double needed, double had) {
    const double longer = std::max(needed / std::max(had, 1.0), least_longer);
    return std::unexpected(untold_interval{quantile, untold_reason::few_moments, longer});
  };
  const auto needed = static_cast<double>(observe::min_samples_for_quantile(quantile));
  const auto count = static_cast<double>(all.count());
  if (!observe::estimable(quantile, all.count())) return too_few(needed, count);
  const std::size_t seen = filled(parts);
  if (seen < least_parts) return std::unexpected(few_parts(quantile, seen));
  const double rare = std::min(quantile, 1 - quantile);
  if (static_cast<double>(bunches) * rare < least_bunches_beyond) {
    return too_few(least_bunches_beyond / rare, static_cast<double>(bunches));
  }
  const share_spread at = share_until(parts, all.value_at_quantile(quantile));
  if (const auto why = why_untold(at.differs, quantile)) return std::unexpected(*why);
  // Of the upper end the effect at the quantile is taken: far out, where hardly anything lies, there is none to see.
  const std::optional<double> beyond = fewest(at.counted, 1 - quantile);
  const std::optional<std::uint64_t> least = least_value(all, parts, quantile, at.counted);
  if (!beyond || !least) return too_few(needed, at.counted);
  const std::uint64_t low = all.lowest_equivalent(*least);
  const std::uint64_t high = std::min(all.value_at_quantile(1 - *beyond / at.counted), all.max());
  return model::quantile_interval{
      .quantile = quantile,
      .within = {.low_ns = static_cast<double>(std::max(low, all.min())), .high_ns = static_cast<double>(high)},
      .effective_samples = std::min(at.effective, count)};
}

model::response_intervals intervals_of(const observe::histogram& all, std::span<const observe::histogram> parts,
                                       std::span<const double> asked, std::uint64_t bunches) {
  std::set<double> quantiles{0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
  quantiles.insert(asked.begin(), asked.end());
  model::response_intervals told;
  if (const auto mean = mean_interval(parts)) {
    told.mean = *mean;
  } else {
    told.untold.push_back(mean.error());
  }
  for (const double quantile : quantiles) {
    if (const auto known = quantile_interval(all, parts, quantile, bunches)) {
      told.quantiles.push_back(*known);
    } else if (observe::estimable(quantile, all.count())) {
      told.untold.push_back(known.error());
    }
  }
  return told;
}

}  // namespace assay::load
