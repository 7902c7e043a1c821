#include "lab/inside/lag_estimate.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace assay::inside {
namespace {

constexpr std::array stall_bounds_ms{10, 50, 100, 500};

// Inside a bucket the segments are taken as uniform around their mean with their variance: exact for one of them.
struct spread {
  double mean = 0;
  double half_width = 0;
};

spread spread_of(const segment_bucket& bucket) {
  const auto count = static_cast<double>(bucket.count);
  const double mean = bucket.sum_ns / count;
  const double variance = std::max(0.0, bucket.sum_squares / count - mean * mean);
  // Rounding of squares leaves a variance where there is none.
  const double half_width = variance < mean * mean * 1e-12 ? 0 : std::sqrt(3 * variance);
  return {mean, std::min(half_width, mean)};
}

double bucket_beyond(const segment_bucket& bucket, double x) {
  const auto count = static_cast<double>(bucket.count);
  const auto [mean, half_width] = spread_of(bucket);
  if (x <= mean - half_width) return count * (mean - x);
  if (x >= mean + half_width) return 0;
  const double rest = mean + half_width - x;
  return count * rest * rest / (4 * half_width);
}

double longest(const busy_segments& segments) {
  double found = 0;
  for (const auto& bucket : segments.buckets) {
    const auto [mean, half_width] = spread_of(bucket);
    found = std::max(found, mean + half_width);
  }
  for (const auto& one : segments.exact) {
    if (one.sign > 0) found = std::max(found, one.length_ns);
  }
  return found;
}

double overlap_ns(std::uint64_t begin_ns, std::uint64_t end_ns, const long_segment& stall) {
  const auto from = std::max(begin_ns, stall.start_ns);
  const auto to = std::min(end_ns, stall.end_ns);
  return to > from ? static_cast<double>(to - from) : 0;
}

}  // namespace

double time_beyond(const busy_segments& segments, double x_ns) {
  double sum = 0;
  for (const auto& bucket : segments.buckets) sum += bucket_beyond(bucket, x_ns);
  for (const auto& one : segments.exact) sum += one.sign * std::max(0.0, one.length_ns - x_ns);
  return std::max(0.0, sum);
}

double lag_quantile(const busy_segments& segments, double q) {
  if (segments.window_ns <= 0) return 0;
  const double target = (1 - q) * segments.window_ns;
  if (time_beyond(segments, 0) <= target) return 0;
  double low = 0;
  double high = longest(segments);
  constexpr int halvings = 60;
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (time_beyond(segments, middle) > target ? low : high) = middle;
  }
  return high;
}

lag_estimate estimate_lag(const busy_segments& segments) {
  lag_estimate result;
  if (segments.window_ns <= 0) return result;
  double squares = 0;
  for (const auto& bucket : segments.buckets) squares += bucket.sum_squares;
  for (const auto& one : segments.exact) squares += one.sign * one.length_ns * one.length_ns;
  result.utilisation = std::min(1.0, (time_beyond(segments, 0) + segments.zero_wait_ns) / segments.window_ns);
  result.mean_ns = std::max(0.0, squares) / (2 * segments.window_ns);
  result.p50_ns = lag_quantile(segments, 0.5);
  result.p99_ns = lag_quantile(segments, 0.99);
  result.longest_ns = longest(segments);
  return result;
}

void correct_edges(busy_segments& segments, std::uint64_t begin_ns, std::uint64_t end_ns,
                   const std::vector<long_segment>& stalls) {
  for (const auto& stall : stalls) {
    if (stall.end_ns <= begin_ns || stall.start_ns >= end_ns) continue;
    const bool counted = stall.counted && stall.end_ns <= end_ns;
    const bool crosses = stall.start_ns < begin_ns || stall.end_ns > end_ns;
    if (counted && !crosses) continue;
    if (counted) segments.exact.push_back({static_cast<double>(stall.end_ns - stall.start_ns), -1});
    const auto from = std::max(stall.start_ns, begin_ns);
    segments.exact.push_back({static_cast<double>(stall.end_ns - from), +1});
    if (stall.end_ns > end_ns) segments.exact.push_back({static_cast<double>(stall.end_ns - end_ns), -1});
  }
}

stall_counts count_stalls(std::uint64_t begin_ns, std::uint64_t end_ns, const std::vector<long_segment>& stalls) {
  stall_counts counts;
  for (const int bound : stall_bounds_ms) {
    counts.number[bound] = 0;
    counts.seconds[bound] = 0;
  }
  for (const auto& stall : stalls) {
    const double inside_ns = overlap_ns(begin_ns, end_ns, stall);
    if (inside_ns <= 0) continue;
    const auto length_ns = static_cast<double>(stall.end_ns - stall.start_ns);
    counts.longest_ns = std::max(counts.longest_ns, length_ns);
    for (const int bound : stall_bounds_ms) {
      if (length_ns < bound * 1e6) continue;
      ++counts.number[bound];
      counts.seconds[bound] += inside_ns / 1e9;
    }
  }
  return counts;
}

}  // namespace assay::inside
