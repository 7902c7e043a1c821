#include "lab/load/arrival_fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "lab/load/expected_arrivals.hpp"
#include "lab/load/offered_share.hpp"

namespace assay::load {
namespace {

// Gaps in rescaled time: as they were, and as long and as short as the tolerance allows.
struct rescaled_gaps {
  std::vector<double> seen;
  std::vector<double> longest;
  std::vector<double> shortest;
};

rescaled_gaps gaps_of(const expected_arrivals& time, std::span<const realised_arrivals* const> threads) {
  rescaled_gaps gaps;
  for (const realised_arrivals* each : threads) {
    for (std::size_t i = 0; i < each->pairs(); ++i) {
      const auto pair = each->pair(i);
      if (!pair || pair->second >= time.end()) continue;  // after the end there is no law
      const double first = time.until(pair->first);
      const double gap = std::max(0.0, time.until(pair->second) - first);
      gaps.seen.push_back(gap);
      gaps.longest.push_back(std::max(gap + gap_tolerance_share, time.until(pair->second + gap_tolerance) - first));
      gaps.shortest.push_back(
          std::max(0.0, std::min(gap - gap_tolerance_share, time.until(pair->second - gap_tolerance) - first)));
    }
  }
  for (std::vector<double>* each : {&gaps.seen, &gaps.longest, &gaps.shortest}) std::ranges::sort(*each);
  return gaps;
}

// By how much more gaps up to some length there are than the exponential law has, and by how much fewer; sorted gaps.
double too_many_short(const std::vector<double>& gaps) {
  double most = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double share = static_cast<double>(i + 1) / static_cast<double>(gaps.size());
    most = std::max(most, share + std::expm1(-gaps[i]));
  }
  return most;
}

double too_many_long(const std::vector<double>& gaps) {
  double most = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double share = static_cast<double>(i) / static_cast<double>(gaps.size());
    most = std::max(most, -std::expm1(-gaps[i]) - share);
  }
  return most;
}

// Of gaps that should all be one.
double share_off(const rescaled_gaps& gaps) {
  const auto too_short = std::ranges::lower_bound(gaps.longest, 1.0) - gaps.longest.begin();
  const auto too_long = gaps.shortest.end() - std::ranges::upper_bound(gaps.shortest, 1.0);
  return static_cast<double>(too_short + too_long) / static_cast<double>(gaps.seen.size());
}

}  // namespace

model::arrival_fit fit_arrivals(const intended_arrivals& of, std::span<const realised_arrivals* const> threads) {
  model::arrival_fit fit;
  fit.offered_share = offered_share(threads);
  fit.tolerance_ns = static_cast<double>(gap_tolerance.count());
  const rescaled_gaps gaps = gaps_of(expected_arrivals(of.stages, of.threads), threads);
  fit.gaps = gaps.seen.size();
  if (fit.gaps == 0) return fit;
  if (of.law == model::arrival_law::poisson) {
    fit.distance = std::max(too_many_short(gaps.seen), too_many_long(gaps.seen));
    fit.distance_by_chance = kolmogorov_5_percent / std::sqrt(static_cast<double>(fit.gaps));
    fit.gaps_off = std::max(too_many_short(gaps.longest), too_many_long(gaps.shortest));
  } else {
    fit.gaps_off = share_off(gaps);
  }
  return fit;
}

}  // namespace assay::load
