#include "lab/load/arrival_fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::load {
namespace {

// The 5 % point of the Kolmogorov distribution, of n (1 / root n) (Smirnov, Annals of Mathematical Statistics 19,
// 1948).
constexpr double kolmogorov_5_percent = 1.358;

// How many arrivals of one thread are expected until an offset.
class rescaled_time {
 public:
  explicit rescaled_time(const intended_arrivals& of) : threads_(of.threads) {
    duration begin{};
    double before = 0;
    for (const stage& each : of.stages) {
      segments_.push_back({.begin = begin, .before = before, .curve = rate_curve(each)});
      begin += each.length;
      before += each.arrivals();
    }
    end_ = begin;
  }
  double at(duration offset) const {
    const duration within = std::clamp(offset, duration::zero(), end_);
    auto in = segments_.rbegin();
    while (in + 1 != segments_.rend() && in->begin > within) ++in;
    return (in->before + in->curve.arrivals_until(static_cast<double>((within - in->begin).count()))) / threads_;
  }
  duration end() const { return end_; }

 private:
  struct segment {
    duration begin{};
    double before = 0;
    rate_curve curve;
  };
  std::vector<segment> segments_;
  double threads_;
  duration end_{};
};

// Gaps in rescaled time: as they were, and as long and as short as the tolerance allows.
struct rescaled_gaps {
  std::vector<double> seen;
  std::vector<double> longest;
  std::vector<double> shortest;
};

rescaled_gaps gaps_of(const rescaled_time& time, std::span<const realised_arrivals* const> threads) {
  rescaled_gaps gaps;
  for (const realised_arrivals* each : threads) {
    for (std::size_t i = 0; i < each->pairs(); ++i) {
      const auto pair = each->pair(i);
      if (!pair || pair->second >= time.end()) continue;  // after the end there is no law
      const double first = time.at(pair->first);
      const double gap = std::max(0.0, time.at(pair->second) - first);
      gaps.seen.push_back(gap);
      gaps.longest.push_back(std::max(gap + gap_tolerance_share, time.at(pair->second + gap_tolerance) - first));
      gaps.shortest.push_back(
          std::max(0.0, std::min(gap - gap_tolerance_share, time.at(pair->second - gap_tolerance) - first)));
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
  std::uint64_t sent = 0;
  std::uint64_t after_end = 0;
  for (const realised_arrivals* each : threads) {
    sent += each->sent();
    after_end += each->after_end();
  }
  if (sent > 0) fit.offered_share = 1 - static_cast<double>(after_end) / static_cast<double>(sent);
  fit.tolerance_ns = static_cast<double>(gap_tolerance.count());
  const rescaled_gaps gaps = gaps_of(rescaled_time(of), threads);
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
