#include "lab/learn/popularity.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <tuple>
#include <vector>

namespace assay::learn {
namespace {

constexpr std::uint64_t fewest_of_a_rank = 5;
constexpr std::size_t fewest_ranks = 10;
constexpr std::uint64_t fewest_requests = 100;
constexpr double steepest = 5;
constexpr double dominance = 0.9;
constexpr std::size_t fewest_of_a_catalogue = 20;  // values

// The mean of ln r under P(r) proportional to r^-s, r = 1..logs.size().
double mean_log_rank(std::span<const double> logs, double s) {
  double weights = 0;
  double sum = 0;
  for (const double log_rank : logs) {
    const double weight = std::exp(-s * log_rank);
    weights += weight;
    sum += weight * log_rank;
  }
  return sum / weights;
}

// To two digits, towards minus infinity.
std::int64_t rounded_down(std::int64_t number) {
  std::int64_t unit = 1;
  while (std::abs(number / unit) >= 100) unit *= 10;
  const std::int64_t cut = number / unit * unit;
  return cut > number ? cut - unit : cut;
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<double> zipf_exponent(std::span<const std::uint64_t> counts) {
  const auto ranks = static_cast<std::size_t>(
      std::ranges::find_if(counts, [](std::uint64_t n) { return n < fewest_of_a_rank; }) - counts.begin());
  const auto used = counts.first(ranks);
  const std::uint64_t requests = std::accumulate(used.begin(), used.end(), std::uint64_t{0});
  if (ranks < fewest_ranks || requests < fewest_requests) return std::nullopt;
  std::vector<double> logs(ranks);
  double observed = 0;
  for (std::size_t i = 0; i < ranks; ++i) {
    logs[i] = std::log(static_cast<double>(i + 1));
    observed += static_cast<double>(used[i]) * logs[i];
  }
  observed /= static_cast<double>(requests);
  // The likelihood's derivative vanishes where the expected mean log rank is the observed one; it falls with s.
  double low = 0;
  double high = steepest;
  if (observed > mean_log_rank(logs, low) || observed < mean_log_rank(logs, high)) return std::nullopt;
  constexpr int halvings = 40;
  for (int i = 0; i < halvings; ++i) {
    const double middle = (low + high) / 2;
    (mean_log_rank(logs, middle) > observed ? low : high) = middle;
  }
  return (low + high) / 2;
}

void value_counts::tally(std::string_view value, std::uint64_t count, std::size_t& budget) {
  if (const auto known = counts_.find(value); known != counts_.end()) {
    known->second += count;
  } else if (counts_.size() < max_values_a_placeholder && budget > 0) {
    counts_.emplace(value, count);
    --budget;
  } else {
    uncounted_ += count;
  }
}

void value_counts::add(std::string_view value, std::uint64_t count, std::size_t& budget, bool found) {
  const shape looks = classify(value);
  if (found) shapes_[static_cast<std::size_t>(looks)] += count;
  if (looks == shape::integer && found) {
    if (const auto number = integer(value)) {
      least_ = std::min(least_.value_or(*number), *number);
      greatest_ = std::max(greatest_.value_or(*number), *number);
    }
  }
  tally(value, count, budget);
}

void value_counts::merge(const value_counts& other, std::size_t& budget) {
  budget += other.counts_.size();  // the other's room is given back
  for (const auto& [value, count] : other.counts_) tally(value, count, budget);
  for (std::size_t i = 0; i < shape_count; ++i) shapes_[i] += other.shapes_[i];
  uncounted_ += other.uncounted_;
  if (other.least_) least_ = std::min(least_.value_or(*other.least_), *other.least_);
  if (other.greatest_) greatest_ = std::max(greatest_.value_or(*other.greatest_), *other.greatest_);
}

std::optional<std::string_view> value_counts::only_value() const {
  if (counts_.size() != 1 || uncounted_ > 0) return std::nullopt;
  return counts_.begin()->first;
}

// What nine of ten requests look like. Hexadecimal numbers without a letter count as such; failing that, text.
shape value_counts::dominant_shape() const {
  const auto share_of = [&](shape of) { return static_cast<double>(shapes_[static_cast<std::size_t>(of)]); };
  const double all = static_cast<double>(std::accumulate(shapes_.begin(), shapes_.end(), std::uint64_t{0}));
  if (all == 0) return shape::text;
  for (std::size_t i = 0; i < shape_count; ++i) {
    if (static_cast<double>(shapes_[i]) >= dominance * all) return static_cast<shape>(i);
  }
  const bool hex = share_of(shape::hex) + share_of(shape::integer) >= dominance * all;
  if (hex && share_of(shape::hex) >= share_of(shape::integer)) return shape::hex;
  return share_of(shape::slug) > share_of(shape::text) ? shape::slug : shape::text;
}

// A range that is well filled is that of a catalogue. The ends of another are somebody's number, and are rounded away
// from it to two digits.
std::pair<std::int64_t, std::int64_t> value_counts::shown_range() const {
  const double range = static_cast<double>(*greatest_) - static_cast<double>(*least_) + 1;
  const bool filled = counts_.size() >= fewest_of_a_catalogue && 2 * static_cast<double>(counts_.size()) >= range;
  if (filled) return {*least_, *greatest_};
  return {rounded_down(*least_), -rounded_down(-*greatest_)};
}

model::placeholder value_counts::describe(std::string name) const {
  model::placeholder described;
  described.name = std::move(name);
  const shape looks = dominant_shape();
  described.shape = label(looks);
  described.distinct = counts_.size();
  described.distinct_capped = uncounted_ > 0;
  std::vector<std::uint64_t> counts;
  counts.reserve(counts_.size());
  for (const auto& [value, count] : counts_) counts.push_back(count);
  std::ranges::sort(counts, std::greater());
  described.zipf_exponent = zipf_exponent(counts);
  const auto all = std::accumulate(counts.begin(), counts.end(), uncounted_);
  const std::size_t tenth = (counts.size() + 9) / 10;
  const auto popular =
      std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(tenth), std::uint64_t{0});
  described.top_tenth_share = all == 0 ? 0 : static_cast<double>(popular) / static_cast<double>(all);
  if (looks == shape::integer && least_ && greatest_) std::tie(described.least, described.greatest) = shown_range();
  return described;
}

}  // namespace assay::learn
