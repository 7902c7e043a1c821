#include "lab/load/zipf.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace assay::load {
namespace {

// (e^x - 1) / x and ln(1 + x) / x, also where x is next to nothing: an exponent of 1 is no special case.
double expm1_over(double x) { return std::abs(x) > 1e-8 ? std::expm1(x) / x : 1 + x / 2; }
double log1p_over(double x) { return std::abs(x) > 1e-8 ? std::log1p(x) / x : 1 - x / 2; }

}  // namespace

zipf_law::zipf_law(std::uint64_t ranks, double exponent) : exponent_(exponent), ranks_(static_cast<double>(ranks)) {
  assert(ranks > 0 && exponent > 0);
  first_ = h_integral(1.5) - 1;
  last_ = h_integral(ranks_ + 0.5);
  squeeze_ = 2 - h_integral_inverse(h_integral(2.5) - h(2));
}

double zipf_law::h(double x) const { return std::exp(-exponent_ * std::log(x)); }

double zipf_law::h_integral(double x) const {
  const double log_x = std::log(x);
  return expm1_over((1 - exponent_) * log_x) * log_x;
}

double zipf_law::h_integral_inverse(double y) const {
  // Below -1 only by rounding: there lies x = infinity.
  const double t = std::max(-1.0, y * (1 - exponent_));
  return std::exp(log1p_over(t) * y);
}

std::uint64_t zipf_law::draw(draw_stream& from) const {
  while (true) {
    const double u = last_ + from.next_uniform() * (first_ - last_);
    const double x = h_integral_inverse(u);
    const double rank = std::clamp(std::floor(x + 0.5), 1.0, ranks_);
    if (rank - x <= squeeze_ || u >= h_integral(rank + 0.5) - h(rank)) return static_cast<std::uint64_t>(rank);
  }
}

}  // namespace assay::load
