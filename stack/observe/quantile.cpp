#include "stack/observe/quantile.hpp"

#include <algorithm>
#include <cmath>

#include "stack/observe/histogram.hpp"

namespace assay::observe {

namespace {

/// The 97.5 % quantile of the standard normal distribution.
constexpr double normal_quantile = 1.959963984540054;
/// Above this variance of the binomial the sum over it (about 19 standard deviations long) gives way to the
/// normal approximation: at most 200 000 terms, a millisecond.
constexpr double largest_exact_variance = 1e8;
/// Terms below this share of the largest one cannot move a tail of 2.5 % in double precision.
constexpr double negligible_weight = 1e-20;

/// Probabilities of a binomial count as multiples of the largest one, over the range where they count. Going
/// from term to term by their ratio keeps full precision at any n, where logarithms of factorials would lose
/// it.
struct binomial_window {
  binomial_window(double success, std::uint64_t trials)
      : n(static_cast<double>(trials)), odds(success / (1.0 - success)) {
    low = high = std::min(std::floor((n + 1.0) * success), n);
    while (low > 0.0 && low_weight > negligible_weight) {
      low_weight /= step_up(--low);
      total += low_weight;
    }
    while (high < n && high_weight > negligible_weight) {
      high_weight *= step_up(high++);
      total += high_weight;
    }
  }

  /// P(B = k + 1) / P(B = k).
  [[nodiscard]] double step_up(double k) const { return (n - k) / (k + 1.0) * odds; }

  /// Smallest k with P(B <= k) above the tail probability.
  [[nodiscard]] double lower_quantile() const {
    double k = low, weight = low_weight;
    for (double tail = weight; tail <= quantile_tail_probability * total; tail += weight) weight *= step_up(k++);
    return k;
  }

  /// Largest k with P(B >= k) above the tail probability.
  [[nodiscard]] double upper_quantile() const {
    double k = high, weight = high_weight;
    for (double tail = weight; tail <= quantile_tail_probability * total; tail += weight) weight /= step_up(--k);
    return k;
  }

  double n;
  double odds;
  double low = 0.0;
  double high = 0.0;
  double low_weight = 1.0;
  double high_weight = 1.0;
  double total = 1.0;
};

}  // namespace

std::uint64_t min_samples_for_quantile(double q) noexcept {
  if (!(q > 0.0 && q < 1.0)) return never_estimable;
  const double log_of_worse_tail = q < 0.5 ? std::log1p(-q) : std::log(q);
  const double samples = std::ceil(std::log(quantile_tail_probability) / log_of_worse_tail);
  return samples < 0x1p64 ? static_cast<std::uint64_t>(samples) : never_estimable;
}

bool estimable(double q, std::uint64_t n) noexcept {
  const std::uint64_t needed = min_samples_for_quantile(q);
  return needed != never_estimable && n >= needed;
}

std::optional<quantile_ranks> quantile_confidence_ranks(double q, std::uint64_t n) noexcept {
  if (!estimable(q, n)) return std::nullopt;
  const double mean = static_cast<double>(n) * q;
  const double variance = mean * (1.0 - q);
  if (variance > largest_exact_variance) {
    const double reach = normal_quantile * std::sqrt(variance);
    return quantile_ranks{static_cast<std::uint64_t>(std::floor(mean - reach)),
                          static_cast<std::uint64_t>(std::ceil(mean + reach)) + 1};
  }
  // Counting the rarer of the samples below and above keeps the counts small enough to be exact in a double.
  const bool count_above = q > 0.5;
  const binomial_window window(count_above ? 1.0 - q : q, n);
  const auto rarest = static_cast<std::uint64_t>(window.lower_quantile());
  const auto commonest = static_cast<std::uint64_t>(window.upper_quantile());
  const std::uint64_t lower = count_above ? n - commonest : rarest;
  const std::uint64_t upper = count_above ? n - rarest : commonest;
  // x(u) is the first sample with P(B >= u) small enough, one above the last count that is too likely. The
  // bounds only bite if q^n equals the tail probability to the last digits, where estimable() may round the
  // other way.
  return quantile_ranks{std::max<std::uint64_t>(lower, 1), std::min(upper + 1, n)};
}

std::optional<std::uint64_t> estimated_quantile(const histogram& of, double q) noexcept {
  if (!estimable(q, of.count())) return std::nullopt;
  return std::min(of.value_at_quantile(q), of.max());
}

}  // namespace assay::observe
