#include "lab/load/stages_like.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <utility>

#include "lab/load/counter_random.hpp"

namespace assay::load {
namespace {

// Sets the numbers of bursts apart from those of arrivals and requests, which come from the same seed.
constexpr std::uint64_t burst_salt = 0x627572737473ULL;

constexpr std::size_t seconds_an_hour = 3600;
// Of the greatest value over the least that has such a variance: with less all lies at the ends, and gaps are lost.
constexpr double least_slack = 2;
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

// Beta's law on 0 to `most`, by two gamma variables; gamma's own where it has no end.
double draw_of_mean_1(const burst_law& of, draw_stream& from) {
  if (of.most == burst_law::unbounded) return gamma_of_mean_1(of.variance, from);
  const double shapes = (of.most - 1) / of.variance - 1;
  const double below = shapes / of.most;
  const double above = shapes - below;
  const double x = below * gamma_of_mean_1(1 / below, from);
  const double y = above * gamma_of_mean_1(1 / above, from);
  if (x + y > 0) return of.most * x / (x + y);
  return from.next_uniform() * of.most < 1 ? of.most : 0;  // shapes near zero: all lies at the ends
}

// To the mean and the variance of their law: in ten minutes there are sixty of ten seconds, whose own variance is off
// by a third often enough, and a run is to be like the log and not like one of the hours that it might have had. Of a
// wide law few values have it all, and it is left to them.
void match_moments(std::span<double> drawn, const burst_law& law) {
  constexpr std::size_t fewest = 12;
  constexpr double widest = 1;
  constexpr double most_stretch = 2;
  if (drawn.size() < fewest || law.variance > widest) return;
  const auto n = static_cast<double>(drawn.size());
  const double mean = std::accumulate(drawn.begin(), drawn.end(), 0.0) / n;
  double squares = 0;
  for (const double each : drawn) squares += (each - mean) * (each - mean);
  if (squares <= 0) return;
  const double stretch = std::clamp(std::sqrt(law.variance / (squares / (n - 1))), 1 / most_stretch, most_stretch);
  for (double& each : drawn) each = std::clamp(1 + (each - mean) * stretch, 0.0, law.most);
}

// One variable for each `scale` seconds, onto `weights`.
void multiply(std::span<double> weights, std::size_t scale, const burst_law& law, draw_stream& from) {
  if (law.variance <= 0) return;
  std::vector<double> factors((weights.size() + scale - 1) / scale);
  for (double& each : factors) each = draw_of_mean_1(law, from);
  match_moments(factors, law);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[i / scale];
}

// Of two scales the covariance that the shorter has cannot be below that of the longer, nor this below zero.
double relative(double dispersion_more, double seconds, double rate_per_s) {
  return std::max(dispersion_more / (seconds * rate_per_s), 0.0);
}

// The rate behind the busiest of many windows, of the mean: that had luck as well, one and a half standard deviations
// of the square root of its count.
double rate_of_peak(double peak, double mean_count) {
  const double root = std::sqrt(peak * mean_count) - 0.75;
  return std::max(root > 0 ? root * root / mean_count : 0, 1.0);
}

// Multiplier of the mean rate at an hour of the day; of a mean of 1 over the 24.
double of_hour(const model::arrivals& seen, std::size_t hour) {
  return seen.hour_of_day.empty() ? 1 : seen.hour_of_day[hour % seen.hour_of_day.size()];
}

// Second by second, one after the other from the begin of an hour; their mean is not 1 but near it.
void draw_bursts(std::span<double> weights, const burst_laws& of, draw_stream& from) {
  std::ranges::fill(weights, 1);
  multiply(weights, 60, of.minute, from);
  multiply(weights, 10, of.ten, from);
  multiply(weights, 1, of.second, from);
}

// To a sum of as much as they are many.
void even_out(std::span<double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& each : weights) each = sum > 0 ? each / sum * static_cast<double>(weights.size()) : 1;
}

// What the rate of a phase that has bursts is multiplied with, in steps of about a second.
std::vector<double> bursts_of_phase(const model::phase& phase, std::uint64_t seed) {
  const model::crowding& seen = *phase.bursts;
  const double seconds = std::chrono::duration<double>(std::min<duration>(phase.length, longest_likeness)).count();
  std::vector<double> weights(static_cast<std::size_t>(std::max(std::round(seconds), 1.0)));
  const double seen_at = seen.of_rate_per_s > 0 ? seen.of_rate_per_s : phase.rate_per_s;
  draw_stream random(seed);
  for (std::size_t at = 0; at < weights.size(); at += seconds_an_hour) {
    const auto hour = std::span(weights).subspan(at, std::min(seconds_an_hour, weights.size() - at));
    const double minutes = std::max(static_cast<double>(hour.size()) / 60, 1.0);
    draw_bursts(hour, bursts_of(seen.dispersion, seen.peak, seen_at, minutes), random);
    even_out(hour);
  }
  return weights;
}

// What a list of even parts has where the i-th of so many steps has its middle; 1 where there is no list.
double in_the_middle_of(std::size_t i, std::size_t steps, std::span<const double> parts) {
  if (parts.empty()) return 1;
  const double middle = (static_cast<double>(i) + 0.5) / static_cast<double>(steps);
  return parts[static_cast<std::size_t>(middle * static_cast<double>(parts.size()))];
}

}  // namespace

burst_laws bursts_of(const std::map<int, double>& dispersion, const std::map<int, double>& peak, double rate_per_s,
                     double minutes) {
  const auto of = [&](int scale, double otherwise) {
    const auto found = dispersion.find(scale);
    return found == dispersion.end() ? otherwise : found->second;
  };
  if (rate_per_s <= 0) return {};
  const double d1 = of(1, 1);
  const double d10 = of(10, d1);
  const double d60 = of(60, d10);
  const double c60 = relative(d60 - d10, 50, rate_per_s);
  const double c10 = std::max(relative(d10 - d1, 9, rate_per_s), c60);
  const double c1 = std::max(relative(d1 - 1, 1, rate_per_s), c10);
  burst_laws made;
  made.second.variance = (1 + c1) / (1 + c10) - 1;
  made.ten.variance = (1 + c10) / (1 + c60) - 1;
  made.minute.variance = c60 < minutes ? std::min(minutes * c60 / (minutes - c60), most_variance) : most_variance;
  double around = 1;
  for (const auto& [scale, law] : {std::pair(60, &made.minute), {10, &made.ten}, {1, &made.second}}) {
    const auto seen = peak.find(scale);
    if (seen == peak.end()) return made;  // nor can it be told of the shorter ones
    const double reached = rate_of_peak(seen->second, rate_per_s * scale);
    law->most = std::max(reached / around, 1 + least_slack * law->variance);
    around = std::max(around, reached);
  }
  return made;
}

std::vector<stage> stages_like(const model::arrivals& seen, duration length, std::uint64_t seed) {
  length = std::min<duration>(length, longest_likeness);
  const burst_laws bursts = bursts_of(seen.dispersion, seen.peak_to_mean, seen.rate_of_a_request());
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
    draw_bursts(whole, bursts, random);
    const auto weights = std::span(whole).subspan(begins + at - hour * seconds_an_hour, ends - at);
    even_out(weights);
    const double rate = seen.mean_per_s * of_hour(seen, hour);
    for (const double each : weights) made.push_back({.rate_per_s = rate * each, .length = std::chrono::seconds(1)});
    at = ends;
  }
  return made;
}

stage stage_of(const model::phase& phase, std::size_t index, std::uint64_t seed) {
  stage made{.rate_per_s = phase.rate_per_s, .length = phase.length};
  made.course = phase.shape;
  if (phase.bursts) {
    const std::vector<double> bursts = bursts_of_phase(phase, mix(seed ^ burst_salt) + index);
    std::vector<double> both(std::max(bursts.size(), phase.shape.size()));
    for (std::size_t i = 0; i < both.size(); ++i) {
      both[i] = in_the_middle_of(i, both.size(), bursts) * in_the_middle_of(i, both.size(), phase.shape);
    }
    made.course = std::move(both);
  }
  even_out(made.course);
  for (double& each : made.course) each *= phase.rate_per_s;
  return made;
}

}  // namespace assay::load
