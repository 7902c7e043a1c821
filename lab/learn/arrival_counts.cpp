#include "lab/learn/arrival_counts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "lab/learn/arrival_measures.hpp"
#include "lab/learn/long_memory.hpp"
#include "lab/learn/timeline.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t seconds_a_day = 86'400;
constexpr std::chrono::days longest_silence{7};
constexpr std::array scales{1, 10, 60, 300};
constexpr std::size_t fewest_windows = 30;  // degrees of freedom: the estimate is then within about a half
constexpr std::size_t fewest_windows_of_a_peak = 10;

// Variance over mean of the counts in windows, within the hours: under a Poisson process of any rate that is steady for
// an hour both sums have the same expectation. And the mean count that a request has around it, each hour by its own.
struct spread {
  double dispersion = 0;
  double mean_of_a_request = 0;
};

std::optional<spread> spread_of(const timeline& of, std::size_t scale) {
  struct hour {
    double n = 0, sum = 0, squares = 0;
  };
  const std::size_t first = of.first / seconds_an_hour;
  std::vector<hour> hours((of.first + of.series.size()) / seconds_an_hour - first + 1);
  of.each_window(scale, [&](std::size_t begins, double requests) {
    hour& each = hours[begins / seconds_an_hour - first];
    each.n += 1;
    each.sum += requests;
    each.squares += requests * requests;
  });
  double freedom = 0;
  double variance = 0;
  double mean = 0;
  double mean_squares = 0;
  for (const hour& each : hours) {
    if (each.n < 2 || each.sum == 0) continue;
    freedom += each.n - 1;
    variance += each.squares - each.sum * each.sum / each.n;
    mean += (each.n - 1) * each.sum / each.n;
    mean_squares += (each.n - 1) * (each.sum / each.n) * (each.sum / each.n);
  }
  if (freedom < static_cast<double>(fewest_windows) || mean <= 0) return std::nullopt;
  return spread{.dispersion = variance / mean, .mean_of_a_request = mean_squares / mean};
}

std::optional<double> peak_to_mean(const timeline& of, std::size_t scale) {
  std::size_t windows = 0;
  double all = 0;
  double peak = 0;
  of.each_window(scale, [&](std::size_t, double requests) {
    ++windows;
    all += requests;
    peak = std::max(peak, requests);
  });
  if (windows < fewest_windows_of_a_peak || all == 0) return std::nullopt;
  return peak / (all / static_cast<double>(windows));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

// Multipliers of the mean rate by the hour of a day or a week (24 or 168 hours, from midnight and from Monday on);
// empty unless each hour was seen for its half at least.
std::vector<double> by_hour(const timeline& of, std::chrono::minutes zone, double mean, std::size_t hours) {
  constexpr std::size_t days_since_monday = 3;  // the epoch was a Thursday
  constexpr std::size_t week = 7 * seconds_a_day;
  const auto shift = static_cast<std::size_t>(zone.count() * 60 + static_cast<std::int64_t>(week)) +
                     (hours > 24 ? days_since_monday * seconds_a_day : 0);
  std::vector<double> requests(hours);
  std::vector<double> seconds(hours);
  for (std::size_t i = 0, length = 0; i < of.series.size(); i += length) {
    const std::size_t at = of.first + i + shift;
    length = std::min(seconds_an_hour - at % seconds_an_hour, of.series.size() - i);  // to the hour's end
    requests[at / seconds_an_hour % hours] += sum(of.series.subspan(i, length));
    seconds[at / seconds_an_hour % hours] += static_cast<double>(length);
  }
  if (mean <= 0 || std::ranges::min(seconds) < static_cast<double>(seconds_an_hour) / 2) return {};
  for (std::size_t hour = 0; hour < hours; ++hour) requests[hour] /= seconds[hour] * mean;
  return requests;
}

// The sixty seconds whose squared counts have the greatest sum, the first of several.
std::vector<std::uint64_t> worst_minute(std::span<const std::uint32_t> series) {
  constexpr std::size_t seconds_a_minute = 60;
  if (series.size() < seconds_a_minute) return {};
  const auto square = [&](std::size_t at) { return std::uint64_t{series[at]} * series[at]; };
  std::uint64_t sum = 0;
  std::uint64_t most = 0;
  std::size_t ends_at = seconds_a_minute;
  for (std::size_t i = 0; i < series.size(); ++i) {
    sum += square(i);
    if (i >= seconds_a_minute) sum -= square(i - seconds_a_minute);
    if (i + 1 < seconds_a_minute || sum <= most) continue;
    most = sum;
    ends_at = i + 1;
  }
  const auto found = series.subspan(ends_at - seconds_a_minute, seconds_a_minute);
  return {found.begin(), found.end()};
}

}  // namespace

void arrival_counts::add(std::chrono::sys_seconds at, std::chrono::minutes zone) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  if (of_last_day_ != nullptr && day == last_day_) {
    ++(*of_last_day_)[static_cast<std::size_t>((at - day).count())];
    return;
  }
  auto found = days_.find(day);
  if (found == days_.end()) {
    if (days_.size() == max_days) return;
    if (days_.empty()) zone_ = zone;
    found = days_.emplace(day, std::vector<std::uint32_t>(seconds_a_day)).first;
  }
  last_day_ = day;
  of_last_day_ = &found->second;
  ++found->second[static_cast<std::size_t>((at - day).count())];
}

arrival_counts::stretch arrival_counts::busiest() const {
  auto begins = days_.begin();
  auto best_begins = begins;
  auto best_ends = begins;
  double requests = 0;
  double most = -1;
  for (auto day = days_.begin(); day != days_.end(); ++day) {
    requests += sum(day->second);
    const auto next = std::next(day);
    if (next != days_.end() && next->first - day->first < longest_silence &&
        next->first - begins->first < std::chrono::days(max_days)) {
      continue;
    }
    if (requests > most) {
      most = requests;
      best_begins = begins;
      best_ends = next;
    }
    requests = 0;
    begins = next;
  }
  stretch found;
  if (best_begins == best_ends) return found;
  const auto days = (std::prev(best_ends)->first - best_begins->first).count() + 1;
  std::vector<std::uint32_t> seconds(static_cast<std::size_t>(days) * seconds_a_day);
  for (auto day = best_begins; day != best_ends; ++day) {
    const auto offset = (day->first - best_begins->first).count() * static_cast<std::ptrdiff_t>(seconds_a_day);
    std::ranges::copy(day->second, seconds.begin() + offset);
  }
  const auto busy = [](std::uint32_t count) { return count > 0; };
  const auto first = std::ranges::find_if(seconds, busy);
  const auto last = std::find_if(seconds.rbegin(), seconds.rend(), busy).base();
  found.first = best_begins->first + std::chrono::seconds(first - seconds.begin());
  found.seconds.assign(first, last);
  return found;
}

model::arrivals arrival_counts::describe() const {
  model::arrivals described;
  const auto [first, seconds] = busiest();
  if (seconds.empty()) return described;
  const double requests = sum(seconds);
  described.requests = static_cast<std::uint64_t>(requests);
  described.first = first;
  described.last = first + std::chrono::seconds(seconds.size() - 1);
  described.zone_minutes = static_cast<int>(zone_.count());
  const timeline line{.series = seconds, .first = static_cast<std::size_t>(first.time_since_epoch().count())};
  described.mean_per_s = requests / static_cast<double>(seconds.size());
  described.busiest_second_per_s = std::ranges::max(seconds);
  std::vector<double> hours;
  line.each_window(seconds_an_hour, [&](std::size_t, double counted) {
    hours.push_back(counted / static_cast<double>(seconds_an_hour));
  });
  described.whole_hours = static_cast<int>(hours.size());
  described.median_hour_per_s = hours.empty() ? described.mean_per_s : median(hours);
  described.busiest_hour_per_s = hours.empty() ? described.mean_per_s : std::ranges::max(hours);
  for (const int scale : scales) {
    const auto length = static_cast<std::size_t>(scale);
    if (const auto index = spread_of(line, length)) described.dispersion[scale] = index->dispersion;
    if (const auto ratio = peak_to_mean(line, length)) described.peak_to_mean[scale] = *ratio;
  }
  described.hour_of_day = by_hour(line, zone_, described.mean_per_s, 24);
  described.hour_of_week = by_hour(line, zone_, described.mean_per_s, std::size_t{7} * 24);
  described.hurst = hurst_exponent(seconds);
  described.autocorrelation = autocorrelation(line);
  described.worst_minute = worst_minute(seconds);
  return described;
}

std::vector<model::measure> arrival_counts::measures() const {
  const auto [first, seconds] = busiest();
  if (seconds.empty()) return {};
  return arrival_measures({.series = seconds, .first = static_cast<std::size_t>(first.time_since_epoch().count())});
}

// With N requests in a second and k parts of it, X of them in one part. Spread: X is binomial(N, 1/k), so that
// Var X / E X = (1 - 1/k) + D/k, with D = Var N / E N. Clumped: X is N in one part of k and 0 in the others, so that
// Var X / E X = D + (1 - 1/k) E N.
std::optional<sub_second_bounds> arrival_counts::below_a_second() const {
  constexpr double parts = 10;
  const auto [first, seconds] = busiest();
  if (seconds.empty()) return std::nullopt;
  const timeline line{.series = seconds, .first = static_cast<std::size_t>(first.time_since_epoch().count())};
  const auto of_seconds = spread_of(line, 1);
  if (!of_seconds) return std::nullopt;
  const std::uint32_t most = std::ranges::max(seconds);
  return sub_second_bounds{
      .dispersion_spread = (1 - 1 / parts) + of_seconds->dispersion / parts,
      .dispersion_clumped = of_seconds->dispersion + (1 - 1 / parts) * of_seconds->mean_of_a_request,
      .busiest_spread = static_cast<std::uint32_t>(std::ceil(static_cast<double>(most) / parts)),
      .busiest_clumped = most};
}

}  // namespace assay::learn
