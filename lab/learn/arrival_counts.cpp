#include "lab/learn/arrival_counts.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "lab/learn/learn.hpp"

namespace assay::learn {
namespace {

constexpr std::array<int, 4> scales_s = {1, 10, 60, 300};
constexpr std::size_t hour_s = 3600;
constexpr std::size_t day_s = 86'400;

// Counts in windows of `scale` seconds; a last window that is cut is left out.
std::vector<double> windows(const std::vector<std::uint32_t>& seconds, std::size_t from, std::size_t to, int scale) {
  std::vector<double> counts;
  const auto width = static_cast<std::size_t>(scale);
  for (std::size_t at = from; at + width <= to; at += width) {
    counts.push_back(std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(at),
                                     seconds.begin() + static_cast<std::ptrdiff_t>(at + width), 0.0));
  }
  return counts;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double sample_variance(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const double each : values) squares += (each - mean) * (each - mean);
  return squares / static_cast<double>(values.size() - 1);
}

std::vector<double> hourly_rates(const std::vector<std::uint32_t>& seconds) {
  std::vector<double> rates;
  for (const double count : windows(seconds, 0, seconds.size(), static_cast<int>(hour_s))) {
    rates.push_back(count / static_cast<double>(hour_s));
  }
  return rates;
}

// Multipliers of the mean by hour of the day (UTC). `first` is the second the series begins with.
std::vector<double> hour_shape(const std::vector<std::uint32_t>& seconds, std::int64_t first) {
  if (seconds.size() < day_s) return {};
  std::array<double, 24> requests{};
  std::array<double, 24> spans{};
  for (std::size_t at = 0; at < seconds.size(); ++at) {
    const auto hour = static_cast<std::size_t>(((first + static_cast<std::int64_t>(at)) / 3600) % 24);
    requests[hour] += seconds[at];
    spans[hour] += 1;
  }
  const double mean = std::accumulate(requests.begin(), requests.end(), 0.0) / static_cast<double>(seconds.size());
  std::vector<double> shape;
  for (std::size_t hour = 0; hour < 24; ++hour) shape.push_back(mean > 0 ? requests[hour] / spans[hour] / mean : 0);
  return shape;
}

}  // namespace

bool arrival_counts::add(std::chrono::sys_seconds at) {
  const std::int64_t second = at.time_since_epoch().count();
  const auto limit = static_cast<std::int64_t>(max_seconds);
  if (!by_second_.empty()) {
    if (second - by_second_.begin()->first > limit || by_second_.rbegin()->first - second > limit) return false;
  }
  by_second_[second]++;
  return true;
}

std::vector<std::uint32_t> arrival_counts::whole_range() const {
  if (by_second_.empty()) return {};
  const std::int64_t first = by_second_.begin()->first;
  std::vector<std::uint32_t> seconds(static_cast<std::size_t>(by_second_.rbegin()->first - first + 1));
  for (const auto& [second, count] : by_second_) seconds[static_cast<std::size_t>(second - first)] = count;
  return seconds;
}

std::map<int, double> dispersion_within_hours(const std::vector<std::uint32_t>& seconds) {
  std::map<int, double> found;
  for (const int scale : scales_s) {
    double weighted = 0;
    double weight = 0;
    for (std::size_t from = 0; from < seconds.size(); from += hour_s) {
      const std::vector<double> counts = windows(seconds, from, std::min(from + hour_s, seconds.size()), scale);
      if (counts.size() < 2 || mean_of(counts) <= 0) continue;
      const double requests = mean_of(counts) * static_cast<double>(counts.size());
      weighted += sample_variance(counts) / mean_of(counts) * requests;
      weight += requests;
    }
    if (weight > 0) found[scale] = weighted / weight;
  }
  return found;
}

std::map<int, double> peak_to_mean(const std::vector<std::uint32_t>& seconds) {
  std::map<int, double> found;
  for (const int scale : scales_s) {
    const std::vector<double> counts = windows(seconds, 0, seconds.size(), scale);
    if (!counts.empty() && mean_of(counts) > 0) found[scale] = std::ranges::max(counts) / mean_of(counts);
  }
  return found;
}

model::arrivals arrival_counts::summary() const {
  model::arrivals made;
  const std::vector<std::uint32_t> seconds = whole_range();
  if (seconds.empty()) return made;
  const std::int64_t first = by_second_.begin()->first;
  made.first = std::chrono::sys_seconds(std::chrono::seconds(first));
  made.last = std::chrono::sys_seconds(std::chrono::seconds(by_second_.rbegin()->first));
  made.requests = std::accumulate(seconds.begin(), seconds.end(), std::uint64_t{0});
  made.mean_per_s = static_cast<double>(made.requests) / static_cast<double>(seconds.size());
  std::vector<double> hours = hourly_rates(seconds);
  if (hours.empty()) hours.push_back(made.mean_per_s);
  std::ranges::sort(hours);
  made.median_hour_per_s = hours[hours.size() / 2];
  made.busiest_hour_per_s = hours.back();
  made.busiest_second_per_s = std::ranges::max(seconds);
  made.dispersion = dispersion_within_hours(seconds);
  made.peak_to_mean = peak_to_mean(seconds);
  made.hour_of_day = hour_shape(seconds, first);
  return made;
}

}  // namespace assay::learn
