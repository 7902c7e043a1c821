// Between which bounds the mean and the quantiles of a run's response times lie, with 95 %: of a service that went on
// for ever as it did in this run.
//
// Response times that follow each other are alike: a queue, a pause, a slow minute are met by many. So a run has less
// to say than its number of requests pretends. The parts of the run are the sample: how much the share of fast requests
// differs from part to part, against what independent requests would show, is the design effect, and the number of
// requests over it the effective sample size (L. Kish, Survey Sampling, 1965, section 8.2; batch means, A. M. Law,
// Simulation Modeling and Analysis, section 9.5.3), less what Student's t asks since it is an estimate. Of so many
// samples goes Clopper and Pearson's exact interval of a share (E. L. Korn and B. I. Graubard, Survey Methodology 24,
// 1998), and between the bounds lies each value of which it holds the quantile (C. A. Francisco and W. A. Fuller,
// Annals of Statistics 19, 1991). The mean's interval is Student's, of the parts, and moved as far as their skewness
// asks (N. J. Johnson, Journal of the American Statistical Association 73, 1978).
//
// Of equal freezes at random moments each is one effective sample: the interval is the exact one of how many there are,
// and four of them at least lie beyond a quantile that has one. By simulation it holds in 95 to 99 of 100 runs, more
// than 97 where few slow moments decide, since their number is a whole one, or where they come regularly, which few of
// them do not show. What no run shows is the slow moment that it did not meet: where there are five or fewer in a run
// of its length, it is wrong about their quantile in up to one of ten, and mostly says nothing.
//
// Where neighbouring parts are alike, longer ones are the sample, and where those are, nothing is told.
//
// Times that come in bunches, as the deliveries of one broadcast do, are in one part all of them, and so what they have
// in common is in how parts differ. What no part can show is the slow message that has not come yet: of the tail is
// told only where enough bunches lie beyond it, however many times each of them has.
//
// Misuse: a run whose load changes: its parts differ because they are to. A comparison of two services from one run of
// each: between runs there is more difference than within one, and that is the judge's.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "lab/model/load_result.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::load {

// Fewer parts than this with anything in them tell nothing about how parts differ.
inline constexpr std::size_t least_parts = 16;

// As many samples as there are of them can be independent of each other.
inline constexpr std::uint64_t each_its_own = UINT64_MAX;

// Or why nothing is told. `all` holds what the parts hold together; `bunches` says of how many messages, say, it is the
// times.
std::expected<model::time_interval, model::untold_interval> mean_interval(std::span<const observe::histogram> parts);
std::expected<model::quantile_interval, model::untold_interval> quantile_interval(
    const observe::histogram& all, std::span<const observe::histogram> parts, double quantile,
    std::uint64_t bunches = each_its_own);

// The mean's, and those of p50, p90, p95, p99, p99.9, p99.99 and of what is `asked` for that can be told, rising. Of
// those whose value is told: why not, where there is none.
model::response_intervals intervals_of(const observe::histogram& all, std::span<const observe::histogram> parts,
                                       std::span<const double> asked = {}, std::uint64_t bunches = each_its_own);

}  // namespace assay::load
