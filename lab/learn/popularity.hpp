// How unevenly values are asked for.
//
// Misuse: reading an exponent from a handful of requests; it is absent where it cannot be estimated.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t least_values = 10;
inline constexpr double least_requests_a_value = 3;

// The exponent s of P(rank r) ~ r^-s over ranks 1..N, by maximum likelihood: s solves
// sum(c_r ln r) / sum(c_r) = sum(r^-s ln r) / sum(r^-s). Counts in any order; the ranks are theirs when sorted, which
// pulls s up a little when counts are small (hence least_requests_a_value).
std::optional<double> zipf_exponent(std::vector<std::uint64_t> counts);

// The share of the requests that the most popular tenth of the values has.
double top_tenth_share(std::vector<std::uint64_t> counts);

}  // namespace assay::learn
