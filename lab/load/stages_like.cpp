#include "lab/load/stages_like.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>

#include "lab/load/counter_random.hpp"

namespace assay::load {
namespace {

constexpr std::size_t seconds_an_hour = 3600;
constexpr std::size_t windows_an_hour = 60;
constexpr double most_variance = 1e4;  // all of an hour in one minute, for all that can be told

// G. Marsaglia, W. W. Tsang, ACM Transactions on Mathematical Software 26, 2000; below a shape of 1 by their power of a
// uniform. Mean 1.
double gamma_of_mean_1(double variance, draw_stream& from) {
  const double shape = 1 / variance;
  const double raised = shape < 1 ? shape + 1 : shape;
  const double d = raised - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    // Box and Muller; 1 - u is never zero.
    const double radius = std::sqrt(-2 * std::log(1 - from.next_uniform()));
    const double normal = radius * std::cos(2 * std::numbers::pi * from.next_uniform());
    const double root = 1 + c * normal;
    if (root <= 0) continue;
    const double cubed = root * root * root;
    if (std::log(1 - from.next_uniform()) >= normal * normal / 2 + d - d * cubed + d * std::log(cubed)) continue;
    const double lift = shape < 1 ? std::pow(1 - from.next_uniform(), variance) : 1;
    return d * cubed * lift * variance;
  }
}

// One gamma variable for each `scale` seconds, onto `weights`.
void multiply(std::span<double> weights, std::size_t scale, double variance, draw_stream& from) {
  if (variance <= 0) return;
  for (std::size_t at = 0; at < weights.size(); at += scale) {
    const double factor = gamma_of_mean_1(variance, from);
    for (double& each : weights.subspan(at, std::min(scale, weights.size() - at))) each *= factor;
  }
}

// Of two scales the covariance that the shorter has cannot be below that of the longer, nor this below zero.
double relative(double dispersion_more, double seconds, double rate_per_s) {
  return std::max(dispersion_more / (seconds * rate_per_s), 0.0);
}

// Multiplier of the mean rate at an hour of the day; of a mean of 1 over the 24.
double of_hour(const model::arrivals& seen, std::size_t hour) {
  return seen.hour_of_day.empty() ? 1 : seen.hour_of_day[hour % seen.hour_of_day.size()];
}

// The mean rate that a request has around it: busy hours have more requests to have it.
double rate_of_a_request(const model::arrivals& seen) {
  double rates = 0;
  double squares = 0;
  for (const double each : seen.hour_of_day) {
    rates += each;
    squares += each * each;
  }
  return seen.mean_per_s * (rates > 0 ? squares / rates : 1);
}

}  // namespace

burst_variances bursts_of(const model::arrivals& seen, double rate_per_s) {
  const auto of = [&](int scale, double otherwise) {
    const auto found = seen.dispersion.find(scale);
    return found == seen.dispersion.end() ? otherwise : found->second;
  };
  if (rate_per_s <= 0) return {};
  const double d1 = of(1, 1);
  const double d10 = of(10, d1);
  const double d60 = of(60, d10);
  const double c60 = relative(d60 - d10, 50, rate_per_s);
  const double c10 = std::max(relative(d10 - d1, 9, rate_per_s), c60);
  const double c1 = std::max(relative(d1 - 1, 1, rate_per_s), c10);
  constexpr double windows = windows_an_hour;
  return {.second = (1 + c1) / (1 + c10) - 1,
          .ten = (1 + c10) / (1 + c60) - 1,
          .minute = c60 < windows ? std::min(windows * c60 / (windows - c60), most_variance) : most_variance};
}

std::vector<stage> stages_like(const model::arrivals& seen, duration length, std::uint64_t seed) {
  length = std::min<duration>(length, longest_likeness);
  const burst_variances bursts = bursts_of(seen, rate_of_a_request(seen));
  const auto seconds = static_cast<std::size_t>(std::chrono::ceil<std::chrono::seconds>(length).count());
  const auto local = seen.first + std::chrono::minutes(seen.zone_minutes);
  const auto begins = static_cast<std::size_t>((local - std::chrono::floor<std::chrono::days>(local)).count());
  std::vector<stage> made;
  made.reserve(seconds);
  draw_stream random(mix(seed));
  // Clock hours, so that what is within one here is within one there.
  for (std::size_t at = 0; at < seconds;) {
    const std::size_t hour = (begins + at) / seconds_an_hour;
    const std::size_t ends = std::min((hour + 1) * seconds_an_hour - begins, seconds);
    std::array<double, seconds_an_hour> whole{};
    whole.fill(1);
    multiply(whole, 60, bursts.minute, random);
    multiply(whole, 10, bursts.ten, random);
    multiply(whole, 1, bursts.second, random);
    const auto weights = std::span(whole).subspan(begins + at - hour * seconds_an_hour, ends - at);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    const double rate = seen.mean_per_s * of_hour(seen, hour);
    for (const double each : weights) {
      const double share = sum > 0 ? each / sum * static_cast<double>(weights.size()) : 1;
      made.push_back({.rate_per_s = rate * share, .length = std::chrono::seconds(1)});
    }
    at = ends;
  }
  return made;
}

}  // namespace assay::load
