#include "lab/load/count_fit.hpp"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <vector>

#include "lab/load/expected_arrivals.hpp"
#include "lab/load/offered_share.hpp"

namespace assay::load {
namespace {

// Beyond less than one, for what rounding does at the boundaries of spans.
constexpr double most_beside_expected = 1.01;
// Points at which distributions are compared.
constexpr int points = 200;

struct counted_span {
  duration begin{};
  duration end{};
  double expected = 0;
  std::uint32_t count = 0;
};

std::vector<counted_span> spans_of(const expected_arrivals& law, std::span<const realised_counts* const> threads) {
  std::vector<counted_span> spans;
  for (const realised_counts* each : threads) {
    duration begin{};
    for (const std::uint32_t count : each->counts()) {
      const duration end = begin + each->span();
      const double expected = law.until(end) - law.until(begin);
      if (expected >= least_expected_of_span) spans.push_back({begin, end, expected, count});
      begin += each->apart();
    }
  }
  return spans;
}

// Of the arrivals in the ticks that begin within the tolerance before that: a generator may be so late.
double may_be_after(const expected_arrivals& law, duration boundary, duration tick) {
  const duration from = std::max(boundary - gap_tolerance, duration::zero());
  const duration first_tick = (from + tick - duration(1)) / tick * tick;
  return first_tick < boundary ? law.until(boundary) - law.until(first_tick) : 0;
}

double share_off(const expected_arrivals& law, std::span<const counted_span> spans, duration tick) {
  const auto off = std::ranges::count_if(spans, [&](const counted_span& each) {
    const double more = each.count - each.expected;
    return more > most_beside_expected + may_be_after(law, each.begin, tick) ||
           more < -most_beside_expected - may_be_after(law, each.end, tick);
  });
  return static_cast<double>(off) / static_cast<double>(spans.size());
}

// The probability of fewer than so many.
double fewer_than(std::uint32_t count, double expected) {
  using without_long_double = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return count == 0 ? 0 : boost::math::gamma_q(static_cast<double>(count), expected, without_long_double());
}

double distance_from_poisson(std::span<const counted_span> spans) {
  std::vector<double> until(points, 0);
  for (const counted_span& each : spans) {
    const double low = fewer_than(each.count, each.expected);
    const double high = fewer_than(each.count + 1, each.expected);
    for (int i = 0; i < points; ++i) {
      const double at = static_cast<double>(i + 1) / points;
      until[static_cast<std::size_t>(i)] += at >= high ? 1 : at <= low ? 0 : (at - low) / (high - low);
    }
  }
  double most = 0;
  for (int i = 0; i < points; ++i) {
    const double seen = until[static_cast<std::size_t>(i)] / static_cast<double>(spans.size());
    most = std::max(most, std::abs(seen - static_cast<double>(i + 1) / points));
  }
  return most;
}

}  // namespace

model::arrival_fit fit_counts(const intended_arrivals& of, std::span<const realised_counts* const> threads) {
  model::arrival_fit fit;
  fit.offered_share = offered_share(threads);
  fit.tolerance_ns = static_cast<double>(gap_tolerance.count());
  fit.span_ns = static_cast<double>(threads.front()->span().count());
  const expected_arrivals law(of.stages, of.threads);
  const std::vector<counted_span> spans = spans_of(law, threads);
  fit.spans = spans.size();
  if (spans.empty()) return fit;
  if (of.law == model::arrival_law::poisson) {
    fit.distance = distance_from_poisson(spans);
    fit.distance_by_chance = kolmogorov_5_percent / std::sqrt(static_cast<double>(spans.size()));
    fit.spans_off = *fit.distance;
  } else {
    fit.spans_off = share_off(law, spans, threads.front()->tick());
  }
  return fit;
}

}  // namespace assay::load
