// Whether as many requests went out in each span of a run as were intended, where arrivals come in ticks: a tick moves
// arrivals back to its begin, and so leaves the number of each of them what it was.
//
// Constant arrivals: the number in any span differs from what is expected there by less than one; nothing is left to
// chance. What is due within the tolerance before the end of a span may be in the next.
// Poisson: the numbers are of Poisson's law, each with its own mean. The distance is Kolmogorov-Smirnov's, of their
// probability integral transform from the even law; where a number has some probability, its part of the transform is
// spread evenly over that (Czado, Gneiting and Held, Predictive model assessment for count data, Biometrics 65, 2009,
// equation 2). Spread so, chance moves it by less than the law for continuous samples says.
//
// Misuse: numbers of threads together. Each thread is a process of its own, and compared with its own.
#pragma once

#include <span>

#include "lab/load/arrival_fit.hpp"
#include "lab/load/realised_counts.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

// Spans in which fewer are expected tell nothing: in most of them there are none, by whatever law.
inline constexpr double least_expected_of_span = 1;

// One element a thread, all of one tick.
model::arrival_fit fit_counts(const intended_arrivals& of, std::span<const realised_counts* const> threads);

}  // namespace assay::load
