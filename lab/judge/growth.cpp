#include "lab/judge/growth.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

namespace assay::judge {
namespace {

constexpr double little_correlation = 0.2;   // neighbours that correlate less count as independent
constexpr double clear_share = 0.9;          // of the variance that a line must explain where blocks stay dependent
constexpr double straight_share = 0.95;      // past doubt, also for a test of ranks that has a dozen blocks to go by
constexpr double visible_share = 0.5;        // and where growth that has ended is worth a word
constexpr double most_inflation = 9;         // of the variance, by what dependence is left
constexpr double level_share_of_step = 0.5;  // both sides of a step may drift by so much of it, together
constexpr double slope_share_of_end = 0.5;   // the last third grows less than this of the whole: it has stopped
constexpr std::size_t least_step_blocks = 3;
constexpr double z_95 = 1.959963984540054;

using series = std::vector<double>;

struct line {
  double slope = 0;
  double intercept = 0;
  double squares = 0;  // of the residuals
  double total = 0;    // around the mean
  double at(double x) const { return intercept + slope * x; }
};

line least_squares(std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0;
  double xy = 0;
  line fitted;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    fitted.total += (y[i] - mean_y) * (y[i] - mean_y);
  }
  fitted.slope = xx > 0 ? xy / xx : 0;
  fitted.intercept = mean_y - fitted.slope * mean_x;
  fitted.squares = std::max(0.0, fitted.total - fitted.slope * xy);
  return fitted;
}

series residuals(std::span<const double> x, std::span<const double> y, const line& of) {
  series left(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) left[i] = y[i] - of.at(x[i]);
  return left;
}

double autocorrelation(const series& of, std::size_t lag) {
  double products = 0;
  double squares = 0;
  for (std::size_t i = 0; i < of.size(); ++i) {
    squares += of[i] * of[i];
    if (i >= lag) products += of[i] * of[i - lag];
  }
  return squares > 0 ? products / squares : 0;
}

// Samples until what is left of a straight line hardly knows of itself.
std::size_t memory_of(std::span<const double> x, std::span<const double> y) {
  const series left = residuals(x, y, least_squares(x, y));
  std::size_t lag = 1;
  while (lag < left.size() / 2 && autocorrelation(left, lag) >= little_correlation) ++lag;
  return lag;
}

struct block_series {
  series at;
  series values;
  bool dependent = false;  // the blocks are shorter than the series' memory
};

block_series blocks_of(std::span<const double> x, std::span<const double> y, block_value kind) {
  const std::size_t wanted = 2 * memory_of(x, y);
  const std::size_t longest = x.size() / growth_least_blocks;
  const std::size_t shortest = (x.size() + growth_most_blocks - 1) / growth_most_blocks;
  const std::size_t length = std::max(std::min(wanted, longest), shortest);
  block_series made;
  made.dependent = wanted > longest;
  // The rest that makes no block is left out at the beginning.
  for (std::size_t from = x.size() % length; from + length <= x.size(); from += length) {
    const auto times = x.subspan(from, length);
    const auto values = y.subspan(from, length);
    const auto n = static_cast<double>(length);
    made.at.push_back(std::accumulate(times.begin(), times.end(), 0.0) / n);
    made.values.push_back(kind == block_value::least ? *std::ranges::min_element(values)
                                                     : std::accumulate(values.begin(), values.end(), 0.0) / n);
  }
  return made;
}

// Mann-Kendall's S has this variance without a trend (ties as in M. G. Kendall, Rank Correlation Methods, 1975).
double variance_of_s(const series& values) {
  const auto n = static_cast<double>(values.size());
  double variance = n * (n - 1) * (2 * n + 5);
  std::map<double, double> equal;
  for (const double each : values) ++equal[each];
  for (const auto& [value, count] : equal) variance -= count * (count - 1) * (2 * count + 5);
  return std::max(0.0, variance / 18);
}

// How much wider than for independent blocks: their correlation of neighbours is r, as of an AR(1).
double inflation_of(const block_series& blocks) {
  const double r = autocorrelation(residuals(blocks.at, blocks.values, least_squares(blocks.at, blocks.values)), 1);
  return r > 0 ? std::min(most_inflation, (1 + r) / (1 - r)) : 1;
}

void measure_slope(growth& into, const block_series& blocks) {
  series slopes;
  double s = 0;
  for (std::size_t j = 1; j < blocks.at.size(); ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const double difference = blocks.values[j] - blocks.values[i];
      slopes.push_back(difference / (blocks.at[j] - blocks.at[i]));
      s += difference > 0 ? 1 : difference < 0 ? -1 : 0;
    }
  }
  std::ranges::sort(slopes);
  const double deviation = std::sqrt(variance_of_s(blocks.values) * inflation_of(blocks));
  const double z = deviation > 0 ? std::max(0.0, std::abs(s) - 1) / deviation : 0;
  into.p = std::erfc(z / std::sqrt(2.0));
  const auto n = static_cast<double>(slopes.size());
  const double half = z_95 * deviation;
  const double last = n - 1;
  const auto rank = [&](double at) { return slopes[static_cast<std::size_t>(std::clamp(at, 0.0, last))]; };
  const std::size_t middle = slopes.size() / 2;
  const double median = slopes.size() % 2 == 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
  into.slope_per_s = {median, rank(std::floor((n - half) / 2) - 1), rank(std::ceil((n + half) / 2)),
                      static_cast<unsigned>(blocks.at.size())};
}

// One shift explains the series better than a line (Schwarz's criterion; the shift has a parameter more), and beside
// it there is no growth to speak of.
bool is_step(const block_series& blocks) {
  const std::size_t n = blocks.at.size();
  const std::span<const double> x(blocks.at);
  const std::span<const double> y(blocks.values);
  const double line_squares = least_squares(x, y).squares;
  double best = INFINITY;
  std::size_t split = 0;
  for (std::size_t k = least_step_blocks; k + least_step_blocks <= n; ++k) {
    const double squares =
        least_squares(x.first(k), y.first(k)).total + least_squares(x.subspan(k), y.subspan(k)).total;
    if (squares < best) {
      best = squares;
      split = k;
    }
  }
  const auto count = static_cast<double>(n);
  if (split == 0 || best * std::exp(std::log(count) / count) >= line_squares) return false;
  const line before = least_squares(x.first(split), y.first(split));
  const line after = least_squares(x.subspan(split), y.subspan(split));
  const double jump = after.at(x[split]) - before.at(x[split - 1]);
  const double drift = before.slope * (x[split - 1] - x[0]) + after.slope * (x[n - 1] - x[split]);
  return jump > 0 && drift < level_share_of_step * jump;
}

bool has_stopped(std::span<const double> x, std::span<const double> y) {
  const std::size_t third = x.size() / 3;
  const double whole = least_squares(x, y).slope;
  const double end = least_squares(x.last(third), y.last(third)).slope;
  return end < slope_share_of_end * whole;
}

bool is_much(const growth& seen, const growth_rule& rule) {
  return seen.grown > 0 && seen.grown >= rule.least_growth && seen.grown >= rule.least_share * seen.level;
}

bool is_sure(const growth& seen, double explained, const growth_rule& rule) {
  return seen.slope_per_s.low > 0 && (seen.p < growth_alpha || explained >= straight_share) &&
         seen.slope_per_s.low * rule.relevant_within_s >= rule.relevant_share * seen.level;
}

growth_shape shape_of(const growth& seen, const block_series& blocks, std::span<const double> x,
                      std::span<const double> y, const growth_rule& rule) {
  if (!is_much(seen, rule)) return growth_shape::flat;
  const line whole = least_squares(blocks.at, blocks.values);
  const double explained = whole.total > 0 ? 1 - whole.squares / whole.total : 0;
  const bool step = is_step(blocks);
  if (step || has_stopped(x, y)) {
    if (explained < visible_share) return growth_shape::flat;
    return step ? growth_shape::step : growth_shape::plateau;
  }
  const bool clear = !blocks.dependent || explained >= clear_share;
  return clear && is_sure(seen, explained, rule) ? growth_shape::unbounded : growth_shape::flat;
}

}  // namespace

growth judge_growth(std::span<const double> at_s, std::span<const double> values, const growth_rule& rule) {
  assert(at_s.size() == values.size());
  growth seen;
  if (at_s.size() < 2 || !(at_s.back() > at_s.front())) return seen;
  const double begin = at_s.front() + growth_warm_up_share * (at_s.back() - at_s.front());
  const auto skipped = static_cast<std::size_t>(std::ranges::lower_bound(at_s, begin) - at_s.begin());
  const auto x = at_s.subspan(skipped);
  const auto y = values.subspan(skipped);
  // Blocks of two at least: that neighbours are independent cannot be seen from one block a sample.
  if (x.size() < 2 * growth_least_blocks) return seen;
  const block_series blocks = blocks_of(x, y, rule.blocks);
  measure_slope(seen, blocks);
  seen.judged_s = x.back() - x.front();
  seen.level = (blocks.values[0] + blocks.values[1] + blocks.values[2]) / 3;
  seen.grown = seen.slope_per_s.value * seen.judged_s;
  seen.shape = shape_of(seen, blocks, x, y, rule);
  return seen;
}

}  // namespace assay::judge
