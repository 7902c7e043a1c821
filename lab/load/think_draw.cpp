#include "lab/load/think_draw.hpp"

#include <cmath>
#include <numbers>

namespace assay::load {
namespace {

// Box and Muller, Annals of Mathematical Statistics 29, 1958.
double normal(draw_stream& from) {
  const double radius = std::sqrt(-2 * std::log1p(-from.next_uniform()));
  return radius * std::cos(2 * std::numbers::pi * from.next_uniform());
}

}  // namespace

duration draw_think(const model::think_time& how, draw_stream from) {
  const auto mean_ns = static_cast<double>(how.mean.count());
  double pause_ns = mean_ns;
  if (how.law == model::think_time::kind::exponential) pause_ns = -mean_ns * std::log1p(-from.next_uniform());
  if (how.law == model::think_time::kind::lognormal && mean_ns > 0) {
    const double variance = std::log1p(how.cv * how.cv);
    pause_ns = std::exp(std::log(mean_ns) - variance / 2 + std::sqrt(variance) * normal(from));
  }
  constexpr auto most_ns = static_cast<double>(max_think.count());
  return pause_ns < most_ns ? duration(std::llround(pause_ns)) : max_think;
}

}  // namespace assay::load
