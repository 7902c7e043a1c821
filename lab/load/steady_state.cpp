#include "lab/load/steady_state.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

constexpr double least_change = 1.1;   // less is no other state
constexpr double least_spread = 0.01;  // of logarithms: the histograms are to 1 %
constexpr double least_errors = 5;     // standard errors, of a begin that was chosen
constexpr double least_trend_z = 3.9;  // one in ten thousand
constexpr double most_alike = 0.6;     // of neighbours: more is what a rise that is no straight line looks like

using series = std::span<const double>;

double mean_of(series of) { return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size()); }

double variance_of(series of) {
  const double mean = mean_of(of);
  double squares = 0;
  for (const double each : of) squares += (each - mean) * (each - mean);
  return squares / static_cast<double>(of.size());
}

// How many at the begin are best left out: the fewest that are as good as the best, but for what chance does to it.
std::size_t truncation_of(series logs) {
  constexpr double by_chance = 1.3;
  std::vector<double> errors;
  for (std::size_t out = 0; out <= logs.size() / 2; ++out) {
    const series rest = logs.subspan(out);
    errors.push_back((variance_of(rest) + least_spread * least_spread) / static_cast<double>(rest.size()));
  }
  const double good = by_chance * std::ranges::min(errors);
  const auto first = std::ranges::find_if(errors, [good](double each) { return each <= good; });
  return static_cast<std::size_t>(first - errors.begin());
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double slope_of(series logs) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    for (std::size_t k = i + 1; k < logs.size(); ++k)
      slopes.push_back((logs[k] - logs[i]) / static_cast<double>(k - i));
  }
  return median_of(std::move(slopes));
}

// Of what is left when the slope is taken out, to the neighbour.
double autocorrelation_of(series logs, double slope) {
  std::vector<double> flat;
  for (std::size_t i = 0; i < logs.size(); ++i) flat.push_back(logs[i] - slope * static_cast<double>(i));
  const double mean = mean_of(flat);
  double squares = 0;
  double products = 0;
  for (std::size_t i = 0; i < flat.size(); ++i) {
    squares += (flat[i] - mean) * (flat[i] - mean);
    if (i > 0) products += (flat[i] - mean) * (flat[i - 1] - mean);
  }
  return squares > 0 ? std::clamp(products / squares, 0.0, most_alike) : 0;
}

// So many times as large is the variance of a mean when neighbours are alike.
double inflation_of(double alike) { return (1 + alike) / (1 - alike); }

bool differs(series begin, series rest) {
  const double by = std::abs(mean_of(begin) - mean_of(rest));
  const double spread = std::max(std::sqrt(variance_of(rest)), least_spread);
  const double parts = 1 / static_cast<double>(begin.size()) + 1 / static_cast<double>(rest.size());
  const double error = spread * std::sqrt(parts * inflation_of(autocorrelation_of(rest, 0)));
  return by > std::log(least_change) && by > least_errors * error;
}

// End over begin; nothing when chance does as much.
std::optional<double> drift_of(series logs) {
  const auto n = static_cast<double>(logs.size());
  double concordant = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    for (std::size_t k = i + 1; k < logs.size(); ++k) concordant += (logs[k] > logs[i]) - (logs[k] < logs[i]);
  }
  const double slope = slope_of(logs);
  const double alike = autocorrelation_of(logs, slope);
  const double variance = n * (n - 1) * (2 * n + 5) / 18 * inflation_of(alike);
  const double change = slope * (n - 1);
  const bool is_seen = std::abs(concordant) > least_trend_z * std::sqrt(variance);
  if (!is_seen || std::abs(change) <= std::log(least_change)) return std::nullopt;
  return std::exp(change);
}

}  // namespace

model::steadiness steadiness_of_series(const std::vector<double>& logs, double part_s) {
  const series all(logs);
  const std::size_t out = truncation_of(all);
  // A begin of half of the run is no begin: it never came to rest.
  const bool has_begin = out > 0 && out < logs.size() / 2 && differs(all.first(out), all.subspan(out));
  const std::optional<double> drift = drift_of(all);
  const series rest = all.subspan(out);
  const double left = slope_of(rest) * static_cast<double>(rest.size() - 1);
  // What goes on behind it as it began is no begin either.
  const bool goes_on = drift && left * std::log(*drift) > 0 && std::abs(left) > std::log(least_change);
  if (!has_begin || goes_on) return {.drift = drift};
  return {.from_s = static_cast<double>(out) * part_s,
          .before = std::exp(mean_of(all.first(out)) - mean_of(rest)),
          .drift = drift_of(rest)};
}

std::optional<model::steadiness> steadiness_of(std::span<const observe::histogram> parts, double part_s) {
  std::uint64_t fewest = UINT64_MAX;
  for (const observe::histogram& each : parts) fewest = std::min(fewest, each.count());
  if (parts.size() < least_steady_parts || fewest < least_in_a_part) return std::nullopt;
  const auto seen_by = [&](double quantile) {
    std::vector<double> logs;
    for (const observe::histogram& each : parts) {
      logs.push_back(std::log(static_cast<double>(std::max<std::uint64_t>(each.value_at_quantile(quantile), 1))));
    }
    return steadiness_of_series(logs, part_s);
  };
  model::steadiness found = seen_by(0.5);
  if (!observe::estimable(0.9, fewest)) return found;
  const model::steadiness tail = seen_by(0.9);
  if (tail.from_s > found.from_s) {
    found.from_s = tail.from_s;
    found.before = tail.before;
  }
  if (!found.drift) found.drift = tail.drift;
  return found;
}

}  // namespace assay::load
