#include "lab/learn/popularity.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace assay::learn {
namespace {

constexpr double greatest_exponent = 5;
constexpr int bisections = 60;

double expected_log_rank(std::size_t values, double exponent) {
  double weights = 0;
  double logs = 0;
  for (std::size_t rank = 1; rank <= values; ++rank) {
    const double log_rank = std::log(static_cast<double>(rank));
    const double weight = std::exp(-exponent * log_rank);
    weights += weight;
    logs += weight * log_rank;
  }
  return logs / weights;
}

}  // namespace

std::optional<double> zipf_exponent(std::vector<std::uint64_t> counts) {
  std::ranges::sort(counts, std::greater());
  const auto requests = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  if (counts.size() < least_values || requests < least_requests_a_value * static_cast<double>(counts.size())) {
    return std::nullopt;
  }
  double seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += static_cast<double>(counts[i]) * std::log(static_cast<double>(i + 1));
  }
  seen /= requests;
  // The mean logarithm of the rank falls with the exponent.
  double low = 0;
  double high = greatest_exponent;
  if (seen >= expected_log_rank(counts.size(), low)) return 0;
  if (seen <= expected_log_rank(counts.size(), high)) return greatest_exponent;
  for (int i = 0; i < bisections; ++i) {
    const double middle = (low + high) / 2;
    (expected_log_rank(counts.size(), middle) > seen ? low : high) = middle;
  }
  return (low + high) / 2;
}

double top_tenth_share(std::vector<std::uint64_t> counts) {
  if (counts.empty()) return 0;
  std::ranges::sort(counts, std::greater());
  const std::size_t tenth = std::max<std::size_t>(1, counts.size() / 10);
  const auto all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  const auto top = static_cast<double>(
      std::accumulate(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(tenth), std::uint64_t{0}));
  return all > 0 ? top / all : 0;
}

}  // namespace assay::learn
