#include "lab/load/capacity_search.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

namespace assay::load {

using model::capacity_estimate;
using model::capacity_outcome;

namespace {

// Of the logarithm: from "always the same" to capacity that doubles and halves.
constexpr std::array spreads = {0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4};
// One run in twenty-five says nothing about the rate: a hiccup of the machine, a service that was still warming up.
constexpr double lapse = 0.04;
constexpr std::size_t grid_points = 800;
// For the next run, rates beyond these quantiles of what the capacity may be are not considered.
constexpr double considered_tail = 0.01;
constexpr std::size_t most_considered = 100;  // evenly between them
// The grid reaches beyond the bracket, because an end of it may be a run that spoke wrongly.
constexpr double reach_beyond = 4;
constexpr double negligible_weight = 1e-12;

double normal_below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

double kept_with(double distance, double spread) { return lapse / 2 + (1 - lapse) * normal_below(distance / spread); }

}  // namespace

capacity_search::capacity_search(const capacity_options& options) : options_(options) {
  assert(options.least_rps > 0 && options.least_rps <= options.from_rps && options.from_rps <= options.most_rps);
  assert(options.precision > 0 && options.most_runs > 0);
}

bool capacity_search::bracketed() const { return !log_capacities_.empty(); }

// Until one rate was kept and a higher one was not, twice: a search that begins with a wrong word looks in the wrong
// place. Nothing when the bound that all runs speak for has been tried.
std::optional<double> capacity_search::gallop() const {
  if (runs_.empty()) return options_.from_rps;
  if (doubted_) return std::exp(runs_.back().log_rate);
  if (!lowest_broken_) {
    const double highest = std::exp(*highest_kept_);
    if (highest >= options_.most_rps * (1 - 1e-9)) return std::nullopt;
    return std::min(highest * 2, options_.most_rps);
  }
  const double lowest = std::exp(*lowest_broken_);
  if (lowest <= options_.least_rps * (1 + 1e-9)) return std::nullopt;
  return std::max(lowest / 2, options_.least_rps);
}

std::optional<double> capacity_search::next() const {
  if (runs_.size() >= options_.most_runs) return std::nullopt;
  if (!bracketed()) return gallop();
  if (const capacity_estimate found = estimate(); found.outcome == capacity_outcome::found) return unconfirmed(found);
  if (beyond_most()) return std::nullopt;
  const std::size_t first = place_of(considered_tail);
  const std::size_t last = place_of(1 - considered_tail);
  double least = std::numeric_limits<double>::infinity();
  std::size_t chosen = first;
  for (std::size_t i = first; i <= last; i += 1 + (last - first) / most_considered) {
    const double entropy = expected_entropy(i);
    if (entropy >= least) continue;
    least = entropy;
    chosen = i;
  }
  // Below the least a run would not tell.
  return std::clamp(std::exp(log_capacities_[chosen]), options_.least_rps, options_.most_rps);
}

bool capacity_search::has_run(double from_rps, double to_rps, bool kept) const {
  return std::ranges::any_of(runs_, [&](const run& each) {
    return each.kept == kept && each.log_rate >= std::log(from_rps) && each.log_rate <= std::log(to_rps);
  });
}

// The rate of the run that is wanting below the interval, or above it.
std::optional<double> capacity_search::unconfirmed(const capacity_estimate& found) const {
  const double beyond = 1 + options_.precision;
  const double half = 1 + options_.precision / 2;
  const double below = std::max(found.low_rps / half, options_.least_rps);
  if (below <= found.low_rps && !has_run(found.low_rps / beyond, found.low_rps, true)) return below;
  const double above = std::min(found.high_rps * half, options_.most_rps);
  const bool allowed = above > found.high_rps;
  return allowed && !has_run(found.high_rps, found.high_rps * beyond, false) ? std::optional(above) : std::nullopt;
}

void capacity_search::observe(double rate_rps, bool kept) {
  assert(rate_rps > 0);
  const double log_rate = std::log(rate_rps);
  runs_.push_back({.log_rate = log_rate, .kept = kept});
  if (bracketed()) return weigh(runs_.back());
  if (kept) highest_kept_ = std::max(highest_kept_.value_or(log_rate), log_rate);
  if (!kept && doubted_) lowest_broken_ = std::min(lowest_broken_.value_or(log_rate), log_rate);
  doubted_ = !kept && !doubted_;
  if (highest_kept_ && lowest_broken_) make_grid(*highest_kept_, *lowest_broken_);
}

void capacity_search::limit_to(double rate_rps) { options_.most_rps = std::max(rate_rps, options_.least_rps); }

void capacity_search::make_grid(double low, double high) {
  const double begin = low - std::log(reach_beyond);
  const double width = high + std::log(reach_beyond) - begin;
  for (std::size_t i = 0; i < grid_points; ++i) {
    log_capacities_.push_back(begin + width * static_cast<double>(i) / (grid_points - 1));
  }
  const double step = width / (grid_points - 1);
  for (const double spread : spreads) {
    for (std::size_t i = 0; i < 2 * grid_points - 1; ++i) {
      kept_by_distance_.push_back(kept_with((static_cast<double>(i) - (grid_points - 1)) * step, spread));
    }
  }
  weights_.assign(grid_points * spreads.size(), 1.0 / static_cast<double>(grid_points * spreads.size()));
  for (const run& each : runs_) weigh(each);
}

void capacity_search::weigh(const run& seen) {
  double sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double kept = kept_with(log_capacities_[i / spreads.size()] - seen.log_rate, spreads[i % spreads.size()]);
    weights_[i] *= seen.kept ? kept : 1 - kept;
    sum += weights_[i];
  }
  for (double& each : weights_) each /= sum;  // never zero: a lapse explains anything
}

// Of what the capacity may be after a run at that rate, over what the run may say. The spread is no end in itself:
// learning it counts as far as it narrows the capacity.
double capacity_search::expected_entropy(std::size_t rate) const {
  const auto x_log_x = [](double x) { return x > 0 ? x * std::log(x) : 0.0; };
  double all_kept = 0;
  double of_parts = 0;
  for (std::size_t capacity = 0; capacity < log_capacities_.size(); ++capacity) {
    double kept = 0;
    double not_kept = 0;
    for (std::size_t spread = 0; spread < spreads.size(); ++spread) {
      const double weight = weights_[capacity * spreads.size() + spread];
      if (weight < negligible_weight) continue;
      const double probability = kept_by_distance_[spread * (2 * grid_points - 1) + capacity + grid_points - 1 - rate];
      kept += weight * probability;
      not_kept += weight * (1 - probability);
    }
    if (kept + not_kept == 0) continue;
    all_kept += kept;
    of_parts += x_log_x(kept) + x_log_x(not_kept);
  }
  return x_log_x(all_kept) + x_log_x(1 - all_kept) - of_parts;
}

// The grid's point that holds the q-quantile of what the capacity may be.
std::size_t capacity_search::place_of(double q) const {
  double below = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    below += weights_[i];
    if (below >= q) return i / spreads.size();
  }
  return log_capacities_.size() - 1;
}

// As good as certain that the capacity is above what may be sent.
bool capacity_search::beyond_most() const {
  const double low = std::exp(log_capacities_[place_of((1 - options_.confidence) / 2)]);
  return low >= options_.most_rps * (1 - options_.precision);
}

model::capacity_estimate capacity_search::estimate() const {
  capacity_estimate found;
  found.runs = runs_.size();
  if (!bracketed()) {
    found.outcome = highest_kept_ ? capacity_outcome::above_most : capacity_outcome::below_least;
    found.low_rps = highest_kept_ ? std::exp(*highest_kept_) : 0;
    found.high_rps = highest_kept_ ? std::numeric_limits<double>::infinity() : options_.least_rps;
    found.rps = highest_kept_ ? found.low_rps : found.high_rps;
    return found;
  }
  const double tail = (1 - options_.confidence) / 2;
  const auto quantile = [this](double q) { return std::exp(log_capacities_[place_of(q)]); };
  found.rps = quantile(0.5);
  found.low_rps = quantile(tail);
  found.high_rps = quantile(1 - tail);
  for (std::size_t i = 0; i < weights_.size(); ++i) found.spread += weights_[i] * spreads[i % spreads.size()];
  if (beyond_most()) {
    found.outcome = capacity_outcome::above_most;
    found.rps = found.low_rps = options_.most_rps;
    found.high_rps = std::numeric_limits<double>::infinity();
    return found;
  }
  const bool narrow = found.high_rps <= found.low_rps * (1 + options_.precision);
  found.outcome = narrow ? capacity_outcome::found : capacity_outcome::wide;
  return found;
}

}  // namespace assay::load
