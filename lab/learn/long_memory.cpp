#include "lab/learn/long_memory.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace assay::learn {
namespace {

constexpr int first_octave = 3;  // below, samples of a second are no coefficients of the wavelet yet
constexpr int last_octave = 9;   // 512 s: a wavelet of it, three times as long, lies within the hour
constexpr std::size_t fewest_octaves = 3;
constexpr std::size_t fewest_coefficients = 16;  // of an octave
constexpr double fewest_requests = 8;            // of a window: with fewer the counts are too far from normal
constexpr double of_rounding = 1e-9;             // squares of coefficients of counts that never change
constexpr double normal_975 = 1.959963984540054;

// Of arguments of 8 and above, to eight digits (M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions,
// 1964, 6.3.18 and 6.4.12).
double digamma(double x) {
  const double square = 1 / (x * x);
  return std::log(x) - 1 / (2 * x) - square * (1.0 / 12 - square * (1.0 / 120 - square / 252));
}
double trigamma(double x) {
  const double square = 1 / (x * x);
  return 1 / x + square / 2 + square / x * (1.0 / 6 - square * (1.0 / 30 - square / 42));
}

// One level of the transform: what is left in `level` is the next coarser one. Its coefficients' squares are summed.
struct details {
  std::size_t n = 0;
  double squares = 0;
};

details coarsen(std::vector<double>& level) {
  constexpr double root = std::numbers::sqrt3;
  constexpr double norm = 4 * std::numbers::sqrt2;
  constexpr std::array taps{(1 + root) / norm, (3 + root) / norm, (3 - root) / norm, (1 - root) / norm};
  details found;
  for (std::size_t at = 0; at + taps.size() <= level.size(); at += 2) {
    const std::array of{level[at], level[at + 1], level[at + 2], level[at + 3]};
    const double detail = taps[3] * of[0] - taps[2] * of[1] + taps[1] * of[2] - taps[0] * of[3];
    found.squares += detail * detail;
    level[found.n++] = taps[0] * of[0] + taps[1] * of[1] + taps[2] * of[2] + taps[3] * of[3];
  }
  level.resize(found.n);
  return found;
}

// The logarithm, to the base 2, of an octave's mean square, and its weight.
struct octave {
  double index = 0;
  double log = 0;
  double weight = 0;
};

octave octave_of(int index, const details& of) {
  const double half = static_cast<double>(of.n) / 2;
  const double bias = digamma(half) / std::numbers::ln2 - std::log2(half);
  return {.index = static_cast<double>(index),
          .log = std::log2(of.squares / static_cast<double>(of.n)) - bias,
          .weight = std::numbers::ln2 * std::numbers::ln2 / trigamma(half)};
}

// The slope of the weighted line through the octaves, and its standard error.
struct slope {
  double value = 0;
  double error = 0;
};

slope slope_of(std::span<const octave> octaves) {
  double weights = 0;
  double index = 0;
  double log = 0;
  for (const octave& each : octaves) {
    weights += each.weight;
    index += each.weight * each.index;
    log += each.weight * each.log;
  }
  index /= weights;
  log /= weights;
  double squares = 0;
  double products = 0;
  for (const octave& each : octaves) {
    squares += each.weight * (each.index - index) * (each.index - index);
    products += each.weight * (each.index - index) * (each.log - log);
  }
  const double value = products / squares;
  double off = 0;
  for (const octave& each : octaves) {
    const double residual = each.log - log - value * (each.index - index);
    off += each.weight * residual * residual;
  }
  const double ratio = std::sqrt(off / static_cast<double>(octaves.size() - 2));
  return {.value = value, .error = std::max(ratio, 1.0) / std::sqrt(squares)};
}

// The counts less the mean of their clock hour.
std::vector<double> off_hours(const timeline& of) {
  std::vector<double> off(of.series.begin(), of.series.end());
  for (std::size_t i = 0, length = 0; i < off.size(); i += length) {
    length = std::min(seconds_an_hour - (of.first + i) % seconds_an_hour, off.size() - i);  // to the hour's end
    const double mean = sum(of.series.subspan(i, length)) / static_cast<double>(length);
    for (double& each : std::span(off).subspan(i, length)) each -= mean;
  }
  return off;
}

std::optional<model::estimate> correlation(std::span<const double> off, std::size_t lag) {
  constexpr std::size_t blocks = 32;
  constexpr double student_975 = 2.0395;  // of 31 degrees of freedom
  constexpr std::size_t lags_a_block = 10;
  const std::size_t length = off.size() / blocks;
  if (length < lags_a_block * lag) return std::nullopt;
  struct part {
    double products = 0, squares = 0;
  };
  std::array<part, blocks> parts{};
  part all;
  for (std::size_t block = 0; block < blocks; ++block) {
    const auto in = off.subspan(block * length, length);
    for (std::size_t i = 0; i + lag < length; ++i) {
      parts[block].products += in[i] * in[i + lag];
      parts[block].squares += (in[i] * in[i] + in[i + lag] * in[i + lag]) / 2;
    }
    all.products += parts[block].products;
    all.squares += parts[block].squares;
  }
  if (all.squares <= 0) return std::nullopt;
  const double value = all.products / all.squares;
  double squares = 0;
  double weights = 0;
  for (const part& each : parts) {
    squares += (each.products - value * each.squares) * (each.products - value * each.squares);
    weights += each.squares * each.squares;
  }
  // Of a log that is silent for most of the time few blocks have it all, and how they scatter tells nothing.
  constexpr double fewest_in_effect = 8;
  if (all.squares * all.squares < fewest_in_effect * weights) return std::nullopt;
  constexpr auto n = static_cast<double>(blocks);
  const double half = student_975 * std::sqrt(n / (n - 1) * squares) / all.squares;
  return model::estimate{.value = value, .low = value - half, .high = value + half, .n = blocks};
}

}  // namespace

std::optional<model::estimate> hurst_exponent(std::span<const std::uint32_t> counts) {
  if (counts.empty()) return std::nullopt;
  const double mean = sum(counts) / static_cast<double>(counts.size());
  std::vector<double> level(counts.begin(), counts.end());
  std::vector<octave> octaves;
  std::size_t n = 0;
  for (int index = 1; index <= last_octave; ++index) {
    const details found = coarsen(level);
    if (found.n < fewest_coefficients) break;
    if (index < first_octave || std::ldexp(mean, index) < fewest_requests) continue;
    if (found.squares < of_rounding) return std::nullopt;
    octaves.push_back(octave_of(index, found));
    n += found.n;
  }
  if (octaves.size() < fewest_octaves) return std::nullopt;
  const slope found = slope_of(octaves);
  const double value = (1 + found.value) / 2;
  const double half = normal_975 * found.error / 2;
  return model::estimate{.value = value, .low = value - half, .high = value + half, .n = static_cast<unsigned>(n)};
}

std::map<int, model::estimate> autocorrelation(const timeline& of) {
  constexpr std::array lags{1, 10, 60};
  const std::vector<double> off = off_hours(of);
  std::map<int, model::estimate> found;
  for (const int lag : lags) {
    if (const auto each = correlation(off, static_cast<std::size_t>(lag))) found[lag] = *each;
  }
  return found;
}

}  // namespace assay::learn
