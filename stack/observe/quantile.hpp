// How many samples a quantile needs, and between which ranks of the sorted sample it lies.
//
// What it is for: refusing to print a p99.99 of 2 000 requests, and giving every printed quantile an
// interval.
//
// How it is misused: passing the raw number of samples of an autocorrelated series. The bounds hold for
// independent samples; pass the effective sample size. Passing percents (99) instead of a fraction (0.99).
//
// Theory: the number B of samples at or below the true q-quantile is Binomial(n, q). The order statistics
// x(l) and x(u) enclose the quantile with at least 95 % if P(B <= l - 1) <= 2.5 % and P(B >= u) <= 2.5 %
// (equal tails; see H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1). Even u = n needs
// q^n <= 2.5 %, hence n >= ln 0.025 / ln q: with fewer samples no upper end of the interval exists.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace assay::observe {

class histogram;

/// Probability left out at either end of the two-sided 95 % interval.
inline constexpr double quantile_tail_probability = 0.025;

/// Answer of min_samples_for_quantile for q outside of (0, 1): no number of samples is enough.
inline constexpr std::uint64_t never_estimable = std::numeric_limits<std::uint64_t>::max();

/// Smallest n with a two-sided 95 % interval for the quantile q in (0, 1): 6 for p50, 36 for p90, 72 for p95,
/// 368 for p99, 3 688 for p99.9, 36 887 for p99.99. Below the median the lower end decides, by symmetry.
[[nodiscard]] std::uint64_t min_samples_for_quantile(double q) noexcept;

/// Whether n independent samples are enough for an interval of the quantile q.
[[nodiscard]] bool estimable(double q, std::uint64_t n) noexcept;

/// Ranks counted from 1: the quantile lies in [x(lower_rank), x(upper_rank)] with at least 95 %.
struct quantile_ranks {
  std::uint64_t lower_rank = 0;
  std::uint64_t upper_rank = 0;

  friend bool operator==(const quantile_ranks&, const quantile_ranks&) = default;
};

/// The interval for the quantile q at n samples, empty exactly if !estimable(q, n). Exact binomial up to a
/// variance n q (1 - q) of 10^8, above that the normal approximation floor(nq - z s), ceil(nq + z s) + 1 with
/// z = 1.96, which is there at most two ranks wider than the exact interval (of about 4 * 10^4 ranks).
[[nodiscard]] std::optional<quantile_ranks> quantile_confidence_ranks(double q, std::uint64_t n) noexcept;

/// The quantile q of what was recorded, if so many samples tell it. Never above the largest value, though the upper
/// edge of its bucket may be.
[[nodiscard]] std::optional<std::uint64_t> estimated_quantile(const histogram& of, double q) noexcept;

}  // namespace assay::observe
