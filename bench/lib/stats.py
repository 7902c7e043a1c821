"""The statistics of alternated pairs, with the standard library alone.

A comparison is a list of ratios, one for each pair of runs made close in time. Ratios are averaged as logarithms
(a ratio and its inverse then weigh the same) and the interval is Student's t on those logarithms.

Misuse: feeding requests of one run as if they were independent pairs. The pair is the sample; n is the number
of pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import mean, median, stdev
from typing import Sequence


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) by its continued fraction (DLMF 8.17.22)."""
    if not (a > 0 and b > 0 and 0 <= x <= 1):
        raise ValueError(f"incomplete_beta({a}, {b}, {x}) is not defined")
    if x in (0, 1):
        return float(x)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on one side only: DLMF 8.17.4
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(log_front) / a * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """1 / (1 + d1 / (1 + d2 / ...)) by the modified Lentz algorithm."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    result = d
    for m in range(1, 500):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 + coefficient * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + coefficient / c
            c = c if abs(c) > tiny else tiny
            result *= c * d
        if abs(c * d - 1) < 1e-15:
            return result
    raise ArithmeticError(f"the fraction of I_{x}({a}, {b}) did not converge")


def student_cdf(t: float, degrees: float) -> float:
    """P(T <= t) of Student's t distribution."""
    tail = incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t)) / 2
    return 1 - tail if t > 0 else tail


def student_quantile(probability: float, degrees: float) -> float:
    """The t with student_cdf(t, degrees) == probability, by bisection."""
    if not 0 < probability < 1 or degrees <= 0:
        raise ValueError(f"student_quantile({probability}, {degrees}) is not defined")
    low, high = -1.0, 1.0
    while student_cdf(low, degrees) > probability:
        low *= 2
    while student_cdf(high, degrees) < probability:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if student_cdf(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


@dataclass(frozen=True)
class RatioSummary:
    """Of n ratios: their median, geometric mean and the two-sided interval of the geometric mean."""

    count: int
    median: float
    geometric_mean: float
    low: float
    high: float


@dataclass(frozen=True)
class ShiftSummary:
    """Of n paired differences: the Hodges-Lehmann estimate of their centre and its two-sided interval."""

    count: int
    estimate: float
    low: float
    high: float


def _signed_rank_counts(n: int) -> list[int]:
    """How many of the 2^n sign patterns give each value of Wilcoxon's signed-rank statistic."""
    counts = [1] + [0] * (n * (n + 1) // 2)
    for rank in range(1, n + 1):
        for total in range(len(counts) - 1, rank - 1, -1):
            counts[total] += counts[total - rank]
    return counts


def summarise_differences(differences: Sequence[float], confidence: float = 0.95) -> ShiftSummary:
    """Hodges and Lehmann (1963): the median of the averages of all pairs, with the interval that inverts Wilcoxon's
    signed-rank test exactly. With fewer than 6 differences no rank test reaches 95 %: the interval is then the
    range, whose coverage is 1 - 2^(1-n)."""
    if not differences:
        raise ValueError("no differences")
    n = len(differences)
    walsh = sorted((a + b) / 2 for i, a in enumerate(differences) for b in differences[i:])
    cut, tail = 0, 0.0
    for count in _signed_rank_counts(n):
        tail += count / 2**n
        if tail > (1 - confidence) / 2:
            break
        cut += 1
    cut = max(cut, 1)
    return ShiftSummary(n, median(walsh), walsh[cut - 1], walsh[-cut])


def summarise_ratios(ratios: Sequence[float], confidence: float = 0.95) -> RatioSummary:
    """Needs two positive ratios or more: one pair has no spread to speak of."""
    if len(ratios) < 2 or min(ratios) <= 0:
        raise ValueError(f"an interval needs two positive ratios or more, not {list(ratios)}")
    logs = [math.log(ratio) for ratio in ratios]
    half_width = student_quantile((1 + confidence) / 2, len(logs) - 1) * stdev(logs) / math.sqrt(len(logs))
    centre = mean(logs)
    return RatioSummary(len(ratios), median(ratios), math.exp(centre), math.exp(centre - half_width),
                        math.exp(centre + half_width))
