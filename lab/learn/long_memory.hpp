// How long arrivals remember: whether a busy second is followed by busy ones, and whether busy times cluster at every
// scale, so that averaging over longer windows smooths less than it would for independent arrivals.
//
//   Hurst exponent    variances of the counts' wavelet coefficients, octave by octave: with H they grow as 2^(j(2H-1))
//                     (P. Abry and D. Veitch, IEEE Transactions on Information Theory 44, 1998; the weights and the
//                     correction of the logarithm's bias are of D. Veitch and P. Abry, the same 45, 1999). Daubechies'
//                     wavelet of four taps: it does not see a level or a straight trend, so that the shape of the day
//                     does not pass for memory, as it does with aggregated variances. Octaves of 8 to 512 s. Should the
//                     octaves scatter about their line by more than they are known by, the interval widens in
//                     proportion (R. T. Birge, Physical Review 40, 1932).
//   autocorrelation   of the counts of seconds, less the mean of their hour; the interval comes from 32 blocks of time
//                     (the error of a ratio: W. G. Cochran, Sampling Techniques, 1977, 6.4).
//
// Misuse: an exponent of a log with a change of regime in it, such as a release; that is no memory, and looks like it.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "lab/learn/timeline.hpp"
#include "lab/model/estimate.hpp"

namespace assay::learn {

// Of counts of consecutive seconds, with its 95 % interval; empty when fewer than three octaves can be had. `n` is that
// of the coefficients.
std::optional<model::estimate> hurst_exponent(std::span<const std::uint32_t> counts);

// By lag in seconds: 1, 10 and 60, those for which the log is long enough. `n` is that of the blocks.
std::map<int, model::estimate> autocorrelation(const timeline& of);

}  // namespace assay::learn
