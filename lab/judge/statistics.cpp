#include "lab/judge/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cassert>
#include <cmath>
#include <numeric>

namespace assay::judge {
namespace {

// In double, not through long double: a third of the time, and 1e-15 is more than any measurement needs.
using students_t =
    boost::math::students_t_distribution<double,
                                         boost::math::policies::policy<boost::math::policies::promote_double<false>>>;

double critical(double degrees, double confidence) {
  return boost::math::quantile(students_t(degrees), 0.5 + confidence / 2);
}

}  // namespace

moments moments_of(std::span<const double> values, double least_deviation) {
  assert(values.size() >= 2);
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double each : values) squares += (each - mean) * (each - mean);
  return {mean, std::max(squares / (n - 1), least_deviation * least_deviation), static_cast<unsigned>(values.size())};
}

model::estimate mean_interval(std::span<const double> values, double confidence, double least_deviation) {
  const moments of = moments_of(values, least_deviation);
  const double half = of.variance > 0 ? critical(of.n - 1.0, confidence) * std::sqrt(of.variance / of.n) : 0;
  return {of.mean, of.mean - half, of.mean + half, of.n};
}

double welch_comparison::half_width(double confidence) const {
  return standard_error > 0 ? critical(degrees, confidence) * standard_error : 0;
}

double welch_comparison::p_beyond(double margin) const {
  const double beyond = std::abs(difference) - margin;
  if (margin > 0 && beyond <= 0) return 1;
  if (standard_error <= 0) return beyond > 0 ? 0 : 1;
  const students_t law(degrees);
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(law, beyond / standard_error)));
}

welch_comparison welch(std::span<const double> first, std::span<const double> second, double least_deviation) {
  const moments a = moments_of(first, least_deviation);
  const moments b = moments_of(second, least_deviation);
  const double of_a = a.variance / a.n;
  const double of_b = b.variance / b.n;
  const double both = of_a + of_b;
  const double spread = of_a * of_a / (a.n - 1.0) + of_b * of_b / (b.n - 1.0);
  const double degrees = spread > 0 ? both * both / spread : a.n + b.n - 2.0;
  return {a.mean - b.mean, std::sqrt(both), degrees};
}

}  // namespace assay::judge
